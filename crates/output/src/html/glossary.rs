//! The words of the report.

/// Each word with its meaning, in the order of the alphabet.
pub static GLOSSARY: &[(&str, &str)] = &[
    ("acquire, release, renew", "What a client does with a lock: get it, give it back, keep it for longer."),
    ("attempt", "One wish for a lock, from the instant it is due to its release or refusal, all polls included."),
    ("closed loop, open loop", "Attempts start when a client is free, or by the clock whatever the clients do."),
    ("contention", "Share of the attempts that had to wait: their first request did not grant the lock."),
    ("double grant", "A grant that starts while another client still holds the same lock."),
    ("durability", "What a crash of the server or its machine leaves of a grant."),
    (
        "fairness",
        "How evenly grants are spread over the clients. Jain's index is 1 if all got as many, 1/n if one of n got all.",
    ),
    (
        "fencing token",
        "A number that grows with each grant. The protected resource refuses one lower than the highest it saw.",
    ),
    ("grant, holder", "The right that was obtained, and the client that has it."),
    ("hand-off", "From one holder's release to the grant of a client that was already waiting."),
    ("hold", "From the grant to the release."),
    ("interval", "The range in which the true value lies in 95 of 100 such runs, from the spread between trials."),
    ("lease, ttl", "A right that lapses by itself, and after what time."),
    ("lost update", "A write over a change that came after the writer had read: the harm of a double grant."),
    ("overtake", "A grant to a later arrival while an earlier one was still waiting."),
    (
        "p50, p95, p99",
        "Half, 95, or 99 of 100, of the values are at most this. It needs enough samples, else it is a dash.",
    ),
    ("possible overlap", "A grant beside a hold whose end is not known: counted, and no violation."),
    ("quorum", "How many of the nodes must agree to a grant."),
    (
        "response time",
        "The wait from the due instant to the grant: with think time, or at a fixed rate, a client that was late counts too. \
         In a closed loop without think time an attempt is due at its call: there it is the service time by construction.",
    ),
    ("service time", "The wait from the actual call to the grant."),
    ("throughput", "Grants per second of the measure phase."),
    ("token regression", "A later grant with a token that is not higher: fencing would fail."),
    ("trial", "One repetition with a system, on fresh keys."),
    ("unknown outcome", "The answer was lost: the lock may be held until the lease has surely ended."),
    ("validity", "Until when a careful client may believe in its grant, by its own clock."),
    (
        "warm-up, measure, drain",
        "The phases of a trial. Only measure counts for speed; safety is watched in all of them.",
    ),
];
