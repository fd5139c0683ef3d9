//! What `report.json` has no room for and no history can give back once it is cut:
//! the histograms, the time series with a histogram a second, the grants of each
//! client. Stored as `measured.json.gz` beside it; with the report and the history
//! it is the raw data from which every other file of a run is drawn.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::record::figures::{Counts, Latencies, Window};

/// Name of the file.
pub const MEASURED: &str = "measured.json.gz";

/// One trial of one backend, folded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Measurements {
    /// Registry name in full.
    pub backend: String,
    /// Trial number, from 1.
    pub trial: u32,
    /// Start of the warm-up, clock nanoseconds: the zero of every chart.
    pub start_ns: u64,
    /// Length of the warm-up in nanoseconds.
    pub warmup_ns: u64,
    /// Length of the measure phase as it was, in nanoseconds.
    pub measured_ns: u64,
    /// Number of clients.
    pub clients: u32,
    /// Number of keys.
    pub keys: u32,
    /// The counts behind every ratio.
    pub counts: Counts,
    /// Histograms of the measure phase.
    pub latencies: Latencies,
    /// One window a second since the start of the warm-up.
    pub windows: Vec<Window>,
    /// Double grants a second since the start of the warm-up; may be shorter than `windows`.
    pub double_grants: Vec<u64>,
    /// Grants of each client in the measure phase.
    pub grants_of: Vec<u64>,
    /// Longest wait of each client in the measure phase, granted or not, in nanoseconds.
    pub longest_wait_of: Vec<u64>,
}

impl Measurements {
    /// Share of the attempts (0..1) that waited and got no grant: percentiles of the
    /// acquire wait above `1 - censored` are unknown.
    #[must_use]
    pub fn censored(&self) -> f64 {
        let lost = self.counts.timed_out + self.counts.unknown + self.counts.withdrawn;
        let all = self.counts.grants + lost;
        if all == 0 { 0.0 } else { lost as f64 / all as f64 }
    }
}

/// The file's bytes.
///
/// # Errors
/// Never for what a run measured; the libraries cannot promise it.
pub fn write_measured(measured: &[Measurements]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut out, measured)?;
    out.write_all(b"\n")?;
    out.finish()
}

/// Reads the file's bytes back.
///
/// # Errors
/// Says what is wrong with them; the caller adds the file's name.
pub fn read_measured(bytes: &[u8]) -> Result<Vec<Measurements>, String> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Measurements, read_measured, write_measured};

    #[test]
    fn what_was_measured_reads_back_the_same() {
        let mut one = Measurements { backend: "redis".to_owned(), trial: 3, ..Measurements::default() };
        (1..=5_000).for_each(|ns| one.latencies.acquire_service.record(ns));
        let bytes = write_measured(std::slice::from_ref(&one)).unwrap();
        let back = read_measured(&bytes).unwrap();
        assert_eq!(back[0].latencies.acquire_service.encoded(), one.latencies.acquire_service.encoded());
        assert_eq!(write_measured(&back).unwrap(), bytes);
        assert!(read_measured(&bytes[..bytes.len() / 2]).is_err());
    }
}
