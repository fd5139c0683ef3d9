//! A double grant in plain words.

use lockbench_core::lock::Mode;
use lockbench_core::oracle::{DoubleGrant, DoubleGrantKind, HoldFacts};
use lockbench_core::units::human_duration;

/// When the earlier holder's session learned that its lock was lost, relative to the
/// other grant: `3.00 ms before the other grant`. `None`: it never did.
#[must_use]
pub fn notice(double: &DoubleGrant) -> Option<String> {
    let (lost, granted) = (double.earlier.lost_ns?, double.later.start_ns);
    let side = if lost <= granted { "before" } else { "after" };
    Some(format!("{} {side} the other grant", human_duration(lost.abs_diff(granted))))
}

/// Tells it; instants are since `origin`, the start of the warm-up.
#[must_use]
pub fn story(double: &DoubleGrant, origin: u64) -> String {
    let at = |ns: u64| human_duration(ns.saturating_sub(origin));
    let (earlier, later) = (&double.earlier, &double.later);
    let whose = |hold: &HoldFacts| match hold.token {
        Some(token) => format!("client {} (token {token})", hold.client),
        None => format!("client {}", hold.client),
    };
    let held = match earlier.mode {
        Mode::Exclusive | Mode::Optimistic => "held it".to_owned(),
        Mode::Shared => "shared it".to_owned(),
        Mode::Permits { of: 1 } => "held its permit".to_owned(),
        Mode::Permits { of } => format!("held one of its {of} permits"),
    };
    let granted = match later.mode {
        Mode::Exclusive | Mode::Optimistic => "was granted it",
        Mode::Shared => "was let in to share it",
        Mode::Permits { .. } => "was granted one though all were taken,",
    };
    let promise = match (double.kind, earlier.validity_ns) {
        (DoubleGrantKind::Inside, None) => "and no lease limited it: the service broke its promise (inside)".to_owned(),
        (DoubleGrantKind::Inside, Some(validity)) => {
            format!("and could believe in it until {}: the service broke its promise (inside)", at(validity))
        }
        (DoubleGrantKind::Withdrawn, validity) => {
            let limit = match validity {
                None => "and no lease limited it".to_owned(),
                Some(validity) => format!("and it was promised until {}", at(validity)),
            };
            let told = notice(double).map_or_else(String::new, |notice| format!(": its session was told so {notice}"));
            format!("{limit}, but the service took it back early{told} (withdrawn)")
        }
        (DoubleGrantKind::Outside, Some(validity)) => {
            format!("but its lease had lawfully ended at {}: the holder overstayed (outside)", at(validity))
        }
        (DoubleGrantKind::Outside, None) => "but its right had ended: the holder overstayed (outside)".to_owned(),
    };
    let admitted = if double.admitted { " The server itself admitted both holds." } else { "" };
    let overlap = earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns);
    format!(
        "key {}: {} {held} from {} to {}, {promise}. Meanwhile {} {granted} at {} and held it to {}: \
         both were inside for {}.{admitted}",
        double.key,
        whose(earlier),
        at(earlier.start_ns),
        at(earlier.end_ns),
        whose(later),
        at(later.start_ns),
        at(later.end_ns),
        human_duration(overlap),
    )
}

#[cfg(test)]
mod tests {
    use super::story;
    use lockbench_core::lock::Mode;
    use lockbench_core::oracle::{DoubleGrant, DoubleGrantKind, HoldFacts};

    #[test]
    fn every_kind_reads_as_a_sentence() {
        let ms = 1_000_000;
        let hold = |client, token, start, end, validity: Option<u64>| HoldFacts {
            client,
            token,
            start_ns: start * ms,
            end_ns: end * ms,
            validity_ns: validity.map(|v| v * ms),
            lost_ns: None,
            mode: Default::default(),
        };
        let mut double = DoubleGrant {
            key: 0,
            kind: DoubleGrantKind::Outside,
            admitted: false,
            earlier: hold(3, Some(7), 1_100, 1_250, Some(1_200)),
            later: hold(5, Some(8), 1_210, 1_360, Some(1_310)),
        };
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, but its lease had lawfully ended at 200 ms: the holder overstayed (outside). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms.");
        double.kind = DoubleGrantKind::Inside;
        double.earlier.validity_ns = None;
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, and no lease limited it: the service broke its promise (inside). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms.");
        double.kind = DoubleGrantKind::Withdrawn;
        double.admitted = true;
        double.earlier.lost_ns = Some(1_203 * ms);
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, and no lease limited it, but the service took it back early: its session was told so 7.00 ms before the other grant (withdrawn). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms. The server itself admitted both holds.");
        let mut of_three = double;
        (of_three.earlier.mode, of_three.later.mode) = (Mode::Permits { of: 3 }, Mode::Permits { of: 3 });
        assert!(story(&of_three, 0).contains("(token 7) held one of its 3 permits from 1.10 s"));
        assert!(story(&of_three, 0).contains("(token 8) was granted one though all were taken, at 1.21 s"));
        double.earlier.validity_ns = Some(1_240 * ms);
        double.earlier.lost_ns = Some(1_217 * ms);
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, and it was promised until 240 ms, but the service took it back early: its session was told so 7.00 ms after the other grant (withdrawn). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms. The server itself admitted both holds.");
    }
}
