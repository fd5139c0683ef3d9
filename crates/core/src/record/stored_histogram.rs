//! Is a stored histogram one that lockbench can have written? Looked at before the
//! library reads it, which takes as much memory as the first bytes claim. The format is
//! HdrHistogram's V2, packed by zlib: a cookie and the packed length; inside a cookie, the
//! payload's length, offset, digits, lowest and highest value, a ratio; then counts, a
//! negative one standing for so many zeros.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// First bytes of the packed form.
const PACKED: u32 = 0x1c84_9314;
/// First bytes of what is packed.
const COUNTS: u32 = 0x1c84_9313;
/// Bytes before the counts.
const HEAD: usize = 40;
/// Digits that any histogram of ours has.
const DIGITS: u32 = 3;
/// Counts of a histogram of ours: 2 048 up to 2 us, then 1 024 for each doubling up to
/// an hour.
const MOST_COUNTS: u64 = 40_000;
/// A count takes nine bytes at most.
const MOST_BYTES: u64 = HEAD as u64 + 9 * MOST_COUNTS;
/// More samples than any run has: their sum with those of many others is a number still.
const MOST_SAMPLES: u64 = 1 << 48;

/// The histogram unpacked, if it is one.
///
/// # Errors
/// Says what is wrong with it.
pub fn checked(bytes: &[u8], highest: u64) -> Result<Vec<u8>, String> {
    let (cookie, length) = (word(bytes, 0)?, word(bytes, 4)? as usize);
    if cookie != PACKED {
        return Err("it begins with other bytes".to_owned());
    }
    let packed = bytes.get(8..).unwrap_or_default();
    if length != packed.len() {
        return Err(format!("it says that it has {length} bytes, and has {}", packed.len()));
    }
    let mut inside = Vec::new();
    ZlibDecoder::new(packed).take(MOST_BYTES + 1).read_to_end(&mut inside).map_err(|error| error.to_string())?;
    if inside.len() as u64 > MOST_BYTES {
        return Err(format!("it is larger than {MOST_BYTES} bytes inside"));
    }
    if word(&inside, 0)? != COUNTS {
        return Err("it begins with other bytes inside".to_owned());
    }
    let counts = inside.get(HEAD..).ok_or("it breaks off")?;
    if word(&inside, 4)? as usize != counts.len() {
        return Err(format!("it says that it has {} bytes of counts, and has {}", word(&inside, 4)?, counts.len()));
    }
    let (digits, lowest, top) = (word(&inside, 12)?, long(&inside, 16)?, long(&inside, 24)?);
    if digits > DIGITS || lowest == 0 || top > highest {
        return Err(format!("values from {lowest} to {top} to {digits} digits are not those of a run"));
    }
    count(counts)?;
    Ok(inside)
}

/// Are the counts numbers, and not too many?
fn count(mut counts: &[u8]) -> Result<(), String> {
    let (mut places, mut samples) = (0_u64, 0_u64);
    while !counts.is_empty() {
        let (number, length) = number(counts)?;
        counts = &counts[length..];
        let magnitude = number.unsigned_abs();
        places = places.saturating_add(if number < 0 { magnitude } else { 1 });
        samples = samples.saturating_add(if number < 0 { 0 } else { magnitude });
        if places > MOST_COUNTS || samples > MOST_SAMPLES {
            return Err(format!("it counts more than {MOST_SAMPLES} samples, or beyond its highest value"));
        }
    }
    Ok(())
}

/// The next number: seven bits a byte, the ninth byte whole, the lowest bit its sign.
fn number(bytes: &[u8]) -> Result<(i64, usize), String> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        let last = at == 8 || byte & 0x80 == 0;
        value |= u64::from(if at == 8 { *byte } else { byte & 0x7f }) << (7 * at);
        if last {
            return Ok(((value >> 1) as i64 ^ -((value & 1) as i64), at + 1));
        }
    }
    Err("it breaks off within a count".to_owned())
}

fn word(bytes: &[u8], at: usize) -> Result<u32, String> {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).ok_or("it breaks off")?;
    Ok(u32::from_be_bytes(four))
}

fn long(bytes: &[u8], at: usize) -> Result<u64, String> {
    Ok(u64::from(word(bytes, at)?) << 32 | u64::from(word(bytes, at + 4)?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{COUNTS, PACKED, checked};

    /// A histogram of these claims.
    fn made(length: u32, digits: u32, highest: u64, counts: &[u8]) -> Vec<u8> {
        let mut inside = COUNTS.to_be_bytes().to_vec();
        inside.extend([length.to_be_bytes(), 0_u32.to_be_bytes(), digits.to_be_bytes()].concat());
        inside.extend([1_u64.to_be_bytes(), highest.to_be_bytes(), 1_f64.to_be_bytes()].concat());
        inside.extend(counts);
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(&inside).unwrap();
        let packed = out.finish().unwrap();
        [&PACKED.to_be_bytes()[..], &(packed.len() as u32).to_be_bytes(), &packed].concat()
    }

    #[test]
    fn a_histogram_claims_no_more_than_it_has() {
        let hour = 3_600_000_000_000;
        assert!(checked(&made(1, 3, hour, &[2]), hour).is_ok());
        for (wrong, part) in [
            (made(u32::MAX, 3, hour, &[2]), "bytes of counts"),
            (made(1, 5, hour, &[2]), "digits"),
            (made(1, 3, u64::MAX, &[2]), "digits"),
            (made(9, 3, hour, &[0xff; 9]), "samples"),
            (made(1, 3, hour, &[0x80]), "within a count"),
            (made(2_000_000, 3, hour, &vec![0; 2_000_000]), "larger than"),
            (b"1234".to_vec(), "breaks off"),
            ([&PACKED.to_be_bytes()[..], &u32::MAX.to_be_bytes()].concat(), "says that it has"),
        ] {
            let problem = checked(&wrong, hour).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        }
    }
}
