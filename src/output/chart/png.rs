//! PNG from pixels in memory: three chunks and a checksum need no library
//! (W3C, Portable Network Graphics, third edition, sections 5 and 11).

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// Rows of 8-bit RGB pixels as a PNG file.
///
/// # Errors
/// If the compressor refuses, which it does not for a picture in memory.
pub fn png(rgb: &[u8], (width, height): (u32, u32)) -> std::io::Result<Vec<u8>> {
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in rgb.chunks(width as usize * 3) {
        // Filter 0, "none": flat areas compress well as they are.
        pixels.write_all(&[0])?;
        pixels.write_all(row)?;
    }
    let mut header = Vec::with_capacity(13);
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // 8 bits a channel, RGB, then the only methods there are, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    let mut out = SIGNATURE.to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &pixels.finish()?);
    chunk(&mut out, *b"IEND", &[]);
    Ok(out)
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    out.extend(kind);
    out.extend(data);
    out.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::png;

    #[test]
    fn chunks_carry_their_length_and_checksum() {
        let bytes = png(&[255; 2 * 3 * 3], (2, 3)).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&bytes[8..24], b"\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03");
        // The last chunk is the same in every PNG file.
        assert_eq!(&bytes[bytes.len() - 12..], b"\0\0\0\0IEND\xae\x42\x60\x82");
    }
}
