//! Upper bounds of the duration buckets that leave lockbench, on the metrics endpoint and
//! in `metrics.om` alike.

/// In nanoseconds: 1, 2.5 and 5 a decade, 1 us to 10 s. Fixed, so that runs can be added
/// and compared.
pub const BUCKET_BOUNDS_NS: [u64; 22] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
