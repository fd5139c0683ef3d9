//! lockbench compares distributed lock systems: speed and safety in one run.

pub mod backend;
pub mod clock;
pub mod load;
pub mod lock;
pub mod oracle;
pub mod record;
pub mod stack;
pub mod stats;
pub mod stop;
pub mod units;
pub mod workload;
