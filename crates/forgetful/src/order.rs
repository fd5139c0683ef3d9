//! The lines between the process of a disk and the one that started it: an order per line, and for each of them one
//! line with what the disk has done so far.

use std::fmt;
use std::str::FromStr;

/// What a disk is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Takes all that is there as synced, as it is after some time.
    Settle,
    /// Forgets what was not synced. Files that are open then answer with an error from now on.
    Cut,
    /// Makes each fsync take so many nanoseconds longer; 0 ends that, also for those under way.
    Delay(u64),
    /// Does nothing.
    Tell,
}

/// What a disk has done since it was mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Bytes that were forgotten, counted as often as they had been written.
    pub bytes: u64,
    /// Files of which something was forgotten.
    pub files: u64,
    /// Names that had been made, renamed or removed, and were forgotten.
    pub names: u64,
    /// Calls of fsync that were served.
    pub fsyncs: u64,
    /// Calls of fsync that were made slow, those under way included.
    pub delayed: u64,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settle => f.write_str("settle"),
            Self::Cut => f.write_str("cut"),
            Self::Delay(ns) => write!(f, "delay {ns}"),
            Self::Tell => f.write_str("tell"),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let unknown = || format!("\"{line}\" is no order of a disk");
        match line.trim().split_once(' ') {
            None => match line.trim() {
                "settle" => Ok(Self::Settle),
                "cut" => Ok(Self::Cut),
                "tell" => Ok(Self::Tell),
                _ => Err(unknown()),
            },
            Some(("delay", ns)) => ns.parse().map(Self::Delay).map_err(|_| unknown()),
            Some(_) => Err(unknown()),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, files, names, fsyncs, delayed } = self;
        write!(f, "{bytes} {files} {names} {fsyncs} {delayed}")
    }
}

impl FromStr for Told {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok([bytes, files, names, fsyncs, delayed]) => {
                Ok(Self { bytes: *bytes, files: *files, names: *names, fsyncs: *fsyncs, delayed: *delayed })
            }
            _ => Err(format!("the process of the disk said \"{}\"", line.trim())),
        }
    }
}

impl Told {
    /// What was done since an earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            files: self.files.saturating_sub(earlier.files),
            names: self.names.saturating_sub(earlier.names),
            fsyncs: self.fsyncs.saturating_sub(earlier.fsyncs),
            delayed: self.delayed.saturating_sub(earlier.delayed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, Told};

    #[test]
    fn lines_are_read_as_they_are_written() {
        for order in [Order::Settle, Order::Cut, Order::Delay(9_000_000_000), Order::Tell] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        let told = Told { bytes: 1, files: 2, names: 3, fsyncs: 4, delayed: 5 };
        assert_eq!(told.to_string().parse(), Ok(told));
        assert!("delay soon".parse::<Order>().is_err() && "1 2".parse::<Told>().is_err());
        assert_eq!(told.since(Told { bytes: 1, fsyncs: 9, ..Told::default() }).bytes, 0);
    }
}
