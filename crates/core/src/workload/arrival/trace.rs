//! Attempts as they were recorded, or made up by a model: when each is due, what it locks, for how long.
//!
//! A trace is CSV. Its first line names the columns: `due` and `key`, and, if it has them, `hold` and `mode`. `due` is a
//! duration from the start of the load (warm-up included) and never goes back; `key` is a number, or several with spaces
//! between them where an attempt takes several locks, in the order in which it takes them; `hold` is a duration, and `mode`
//! is `exclusive` or `shared`. An empty cell means what the workload says. Lines that begin with `#` say nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::locks::MOST_LOCKS;
use super::super::plan::{Access, Locks, Plan};
use crate::lock::Mode;
use crate::units::{SECOND, exact_duration, human_duration, parse_duration_ns};

/// Most attempts of a trace: a plan has them within it.
const MOST_ROWS: usize = 100_000;

/// One attempt of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Nanoseconds after the start of the load.
    pub due_ns: u64,
    keys: [u32; MOST_LOCKS],
    count: u8,
    /// How long it holds what it gets; `None`: as the workload says.
    pub hold_ns: Option<u64>,
    /// What it asks for; `None`: as the workload says.
    pub mode: Option<Mode>,
}

impl Row {
    /// An attempt that takes these locks, of which it has 1 to 8.
    #[must_use]
    pub fn new(due_ns: u64, locks: &[u32], hold_ns: Option<u64>) -> Self {
        let mut keys = [0; MOST_LOCKS];
        let count = locks.len().min(MOST_LOCKS);
        keys[..count].copy_from_slice(&locks[..count]);
        Self { due_ns, keys, count: count as u8, hold_ns, mode: None }
    }

    /// The keys that it takes, in their order.
    #[must_use]
    pub fn keys(&self) -> &[u32] {
        self.keys.get(..usize::from(self.count)).unwrap_or_default()
    }
}

/// The attempts, in the order in which they are due. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    rows: Arc<[Row]>,
    peak_per_s: f64,
}

impl Trace {
    /// Of these attempts, in the order in which they are due.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Self {
        let mut most = 0;
        let mut first = 0;
        for (place, row) in rows.iter().enumerate() {
            while rows[first].due_ns + SECOND <= row.due_ns {
                first += 1;
            }
            most = most.max(place + 1 - first);
        }
        Self { rows: rows.into(), peak_per_s: most as f64 }
    }

    /// Reads the text of one.
    ///
    /// # Errors
    /// The line that is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (at, head) = lines.next().ok_or("it is empty; begin with the line due,key,hold,mode")?;
        let columns = Columns::of(head).map_err(|problem| format!("line {at}: {problem}"))?;
        let mut rows: Vec<Row> = Vec::new();
        for (at, line) in lines {
            let row = columns.row(line).map_err(|problem| format!("line {at}: {problem}"))?;
            if rows.last().is_some_and(|before| before.due_ns > row.due_ns) {
                return Err(format!("line {at}: it is due before the line above; sort the lines by \"due\""));
            }
            if rows.len() == MOST_ROWS {
                return Err(format!("line {at}: it has more than {MOST_ROWS} attempts"));
            }
            rows.push(row);
        }
        if rows.is_empty() { Err("it has no attempt".to_owned()) } else { Ok(Self::new(rows)) }
    }

    /// The text of it, with the columns that it has.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let holds = self.rows.iter().any(|row| row.hold_ns.is_some());
        let modes = self.rows.iter().any(|row| row.mode.is_some());
        let mut text = format!("due,key{}{}\n", if holds { ",hold" } else { "" }, if modes { ",mode" } else { "" });
        for row in self.rows.iter() {
            let keys: Vec<String> = row.keys().iter().map(u32::to_string).collect();
            let _ = write!(text, "{},{}", exact_duration(row.due_ns), keys.join(" "));
            if holds {
                let _ = write!(text, ",{}", row.hold_ns.map(exact_duration).unwrap_or_default());
            }
            if modes {
                let _ = write!(text, ",{}", row.mode.map(|mode| mode.name()).unwrap_or_default());
            }
            text.push('\n');
        }
        text
    }

    /// Its attempts.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Share of the attempts that want the most wanted key.
    #[must_use]
    pub fn hottest_share(&self) -> f64 {
        let mut wanted = BTreeMap::<u32, u32>::new();
        self.rows.iter().flat_map(Row::keys).for_each(|key| *wanted.entry(*key).or_default() += 1);
        f64::from(wanted.into_values().max().unwrap_or(0)) / self.rows.len().max(1) as f64
    }

    /// Attempts that are due before `ns`.
    pub(super) fn due_before(&self, ns: u64) -> usize {
        self.rows.partition_point(|row| row.due_ns < ns)
    }

    /// Most attempts that are due within a second.
    pub(super) fn peak_per_s(&self) -> f64 {
        self.peak_per_s
    }
}

/// Where the columns are.
struct Columns {
    due: usize,
    key: usize,
    hold: Option<usize>,
    mode: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(head: &str) -> Result<Self, String> {
        let names: Vec<&str> = head.split(',').map(str::trim).collect();
        if let Some(other) = names.iter().find(|name| !["due", "key", "hold", "mode"].contains(*name)) {
            return Err(format!("\"{other}\" is no column; the first line names them: due,key,hold,mode"));
        }
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let needed = |wanted: &str| place(wanted).ok_or_else(|| format!("there is no column \"{wanted}\""));
        Ok(Self {
            due: needed("due")?,
            key: needed("key")?,
            hold: place("hold"),
            mode: place("mode"),
            count: names.len(),
        })
    }

    fn row(&self, line: &str) -> Result<Row, String> {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if cells.len() != self.count {
            return Err(format!("it has {} cells, and the first line names {} columns", cells.len(), self.count));
        }
        let due_ns = parse_duration_ns(cells[self.due]).map_err(|problem| format!("due = {problem}"))?;
        let locks: Vec<u32> = cells[self.key]
            .split_whitespace()
            .map(|key| key.parse().map_err(|_| format!("key = \"{key}\" is no number")))
            .collect::<Result<_, _>>()?;
        if locks.is_empty() || locks.len() > MOST_LOCKS {
            return Err(format!("it has {} keys; write 1 to {MOST_LOCKS} with spaces between them", locks.len()));
        }
        if locks.iter().enumerate().any(|(place, key)| locks[..place].contains(key)) {
            return Err("it takes a key twice".to_owned());
        }
        let cell = |place: Option<usize>| place.map(|place| cells[place]).filter(|cell| !cell.is_empty());
        let hold = cell(self.hold).map(parse_duration_ns).transpose();
        let hold_ns = hold.map_err(|problem| format!("hold = {problem}"))?;
        let mode = match cell(self.mode) {
            None => None,
            Some("exclusive") => Some(Mode::Exclusive),
            Some("shared") => Some(Mode::Shared),
            Some(other) => return Err(format!("mode = \"{other}\"; write exclusive or shared")),
        };
        Ok(Row { mode, ..Row::new(due_ns, &locks, hold_ns) })
    }
}

/// Why the attempts of a trace cannot be those of a plan; `None`: they can.
pub(in super::super) fn unfit(plan: &Plan) -> Option<String> {
    for part in plan.parts() {
        let super::Arrival::Trace { trace, .. } = part.arrival else { continue };
        let (count, most) = (part.keys_from.1, plan.locks.most(part.keys_from.1) as usize);
        for row in trace.rows() {
            let of = format!("the attempt that is due after {}", human_duration(row.due_ns));
            if let Some(key) = row.keys().iter().find(|key| **key >= count) {
                return Some(format!(
                    "cannot be followed: {of} wants key {key}, and the keys are 0 to {}; write keys = {{ kind = \"uniform\", count = {} }}",
                    count - 1,
                    trace.rows().iter().flat_map(Row::keys).max().map_or(1, |highest| highest + 1)
                ));
            }
            if row.keys().len() > most {
                let widest = trace.rows().iter().map(|row| row.keys().len()).max().unwrap_or(1);
                return Some(format!(
                    "cannot be followed: {of} takes {} locks; write locks = {{ kind = \"shuffled\", count = {widest} }}, or \
                     \"ordered\"",
                    row.keys().len()
                ));
            }
            if matches!(plan.locks, Locks::Saga { .. }) && row.keys().len() != most {
                return Some(format!(
                    "cannot be followed: {of} has {} steps, and each saga has {most}",
                    row.keys().len()
                ));
            }
            if row.mode == Some(Mode::Shared) && !matches!(plan.access, Access::ReadWrite { .. }) {
                return Some(format!(
                    "cannot be followed: {of} reads; write access = {{ kind = \"read-write\", reads = 0.5 }}, of which the \
                     share is for attempts without a mode"
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Mode, Trace};
    use crate::units::MILLISECOND;

    const TEXT: &str = "# made up\ndue,key,hold,mode\n0s, 3, 2ms, shared\n1.5ms,4 1 2,,\n\n1.5ms,0,1s,exclusive\n";

    #[test]
    fn a_trace_is_read_and_written() {
        let trace = Trace::parse(TEXT).unwrap();
        let [first, second, third] = trace.rows() else { panic!("{trace:?}") };
        assert_eq!(
            (first.due_ns, first.keys(), first.hold_ns, first.mode),
            (0, &[3][..], Some(2 * MILLISECOND), Some(Mode::Shared))
        );
        assert_eq!((second.keys(), second.hold_ns, second.mode), (&[4, 1, 2][..], None, None));
        assert_eq!((third.due_ns, third.hold_ns), (1_500_000, Some(1_000 * MILLISECOND)));
        assert_eq!((trace.due_before(1), trace.due_before(1_500_001), trace.peak_per_s()), (1, 3, 3.0));
        assert_eq!(trace.hottest_share(), 1.0 / 3.0);
        assert_eq!(Trace::parse(&trace.to_csv()), Ok(trace));
        // Columns that nobody uses are not written.
        assert_eq!(Trace::parse("key,due\n7,1s").unwrap().to_csv(), "due,key\n1s,7\n");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("", "it is empty; begin with the line due,key,hold,mode"),
            ("due,key", "it has no attempt"),
            ("due,lock\n1s,2", "line 1: \"lock\" is no column; the first line names them: due,key,hold,mode"),
            ("due\n1s", "line 1: there is no column \"key\""),
            ("due,key\n1s", "line 2: it has 1 cells, and the first line names 2 columns"),
            ("due,key\n1s,x", "line 2: key = \"x\" is no number"),
            ("due,key\n1s,1 1", "line 2: it takes a key twice"),
            ("due,key\n1s,1 2 3 4 5 6 7 8 9", "line 2: it has 9 keys; write 1 to 8 with spaces between them"),
            ("due,key\n2s,1\n1s,1", "line 3: it is due before the line above; sort the lines by \"due\""),
            ("due,key,mode\n1s,1,read", "line 2: mode = \"read\"; write exclusive or shared"),
        ] {
            assert_eq!(Trace::parse(text).unwrap_err(), told, "{text:?}");
        }
        assert!(Trace::parse("due,key\n1,2").unwrap_err().starts_with("line 2: due = "));
    }
}
