//! Reading a file that others may have written or put there: only a regular one, so that
//! no pipe or device makes anybody wait, and never more of it than it may have.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use rustix::fs::OFlags;

/// Bytes that any gzip file may have inside, however small it is.
const FREE_INSIDE: u64 = 64 << 20;
/// Bytes inside for each byte of the file: the text of an idle watch packs a hundredfold,
/// and what packs better tells nothing.
const MOST_PACKED: u64 = 200;

/// Opens a regular file to read it.
///
/// # Errors
/// If there is none, or it is a directory, a pipe or a device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Without it, opening a pipe waits for somebody who writes into it.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags as i32).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file, but a directory, a pipe or a device"))
}

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// If it cannot be read, is no regular file, or is larger.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(larger(most));
    }
    Ok(bytes)
}

/// A regular file of text, of at most `most` bytes.
///
/// # Errors
/// As [`read_regular`], or if it is no text.
pub fn read_regular_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, most)?).map_err(|error| {
        io::Error::new(ErrorKind::InvalidData, format!("it is no text in UTF-8: {}", error.utf8_error()))
    })
}

/// What gzip packed: no more than as much as any run packs so tightly.
///
/// # Errors
/// If it is no gzip, or larger inside.
pub fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    let most = FREE_INSIDE + MOST_PACKED * packed.len() as u64;
    let mut bytes = Vec::new();
    MultiGzDecoder::new(packed).take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let problem = format!("{} bytes of gzip hold more than {most} bytes: no run packs so tightly", packed.len());
        return Err(io::Error::new(ErrorKind::InvalidData, problem));
    }
    Ok(bytes)
}

fn larger(most: u64) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it is larger than {most} bytes, and no run writes as much into it"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::{FREE_INSIDE, open_regular, read_regular, unpacked};

    #[test]
    fn only_a_regular_file_of_a_sane_size_is_read() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        for path in [pipe.as_path(), root.path(), "/dev/zero".as_ref()] {
            assert!(open_regular(path).unwrap_err().to_string().contains("no regular file"), "{path:?}");
        }
        let file = root.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read_regular(&file, 5).unwrap(), b"12345");
        assert!(read_regular(&file, 4).unwrap_err().to_string().contains("larger than 4 bytes"));
    }

    #[test]
    fn a_bomb_is_no_measurement() {
        let packed = |length: u64| {
            let mut out = GzEncoder::new(Vec::new(), Compression::best());
            let part = vec![b' '; 1 << 20];
            (0..length >> 20).for_each(|_| out.write_all(&part).unwrap());
            out.finish().unwrap()
        };
        assert_eq!(unpacked(&packed(4 << 20)).unwrap().len(), 4 << 20);
        let error = unpacked(&packed(FREE_INSIDE + (64 << 20))).unwrap_err();
        assert!(error.to_string().contains("no run packs so tightly"), "{error}");
    }
}
