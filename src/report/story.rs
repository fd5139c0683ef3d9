//! A double grant in plain words.

use crate::oracle::{DoubleGrant, HoldFacts};
use crate::units::human_duration;

/// Tells it; instants are since `origin`, the start of the warm-up.
#[must_use]
pub fn story(double: &DoubleGrant, origin: u64) -> String {
    let at = |ns: u64| human_duration(ns.saturating_sub(origin));
    let (earlier, later) = (&double.earlier, &double.later);
    let whose = |hold: &HoldFacts| match hold.token {
        Some(token) => format!("client {} (token {token})", hold.client),
        None => format!("client {}", hold.client),
    };
    let promise = match earlier.validity_ns {
        None => "and no lease limited it: the service broke its promise (inside)".to_owned(),
        Some(validity) if double.inside => {
            format!("and could believe in it until {}: the service broke its promise (inside)", at(validity))
        }
        Some(validity) => {
            format!("but its lease had lawfully ended at {}: the holder overstayed (outside)", at(validity))
        }
    };
    let overlap = earlier.end_ns.min(later.end_ns).saturating_sub(later.start_ns);
    format!(
        "key {}: {} held it from {} to {}, {promise}. Meanwhile {} was granted it at {} and held it to {}: \
         both were inside for {}.",
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
    use crate::oracle::{DoubleGrant, HoldFacts};

    #[test]
    fn both_kinds_read_as_sentences() {
        let ms = 1_000_000;
        let hold = |client, token, start, end, validity: Option<u64>| HoldFacts {
            client,
            token,
            start_ns: start * ms,
            end_ns: end * ms,
            validity_ns: validity.map(|v| v * ms),
        };
        let mut double = DoubleGrant {
            key: 0,
            inside: false,
            earlier: hold(3, Some(7), 1_100, 1_250, Some(1_200)),
            later: hold(5, Some(8), 1_210, 1_360, Some(1_310)),
        };
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, but its lease had lawfully ended at 200 ms: the holder overstayed (outside). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms.");
        double.inside = true;
        double.earlier.validity_ns = None;
        insta::assert_snapshot!(story(&double, 1_000 * ms), @"key 0: client 3 (token 7) held it from 100 ms to 250 ms, and no lease limited it: the service broke its promise (inside). Meanwhile client 5 (token 8) was granted it at 210 ms and held it to 360 ms: both were inside for 40.0 ms.");
    }
}
