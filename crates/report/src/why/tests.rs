//! The sentence of every cause.

use lockbench_core::oracle::{Attribution, Cause, DoubleGrant, DoubleGrantKind, Fact, FactKind, HoldFacts, Missing};

use super::why;

const MS: u64 = 1_000_000;

fn double() -> DoubleGrant {
    let hold = |client, token, start, end| HoldFacts {
        client,
        token: Some(token),
        start_ns: start * MS,
        end_ns: end * MS,
        validity_ns: None,
        lost_ns: None,
        mode: Default::default(),
    };
    let (earlier, later) = (hold(1, 8, 1_000, 3_000), hold(2, 9, 2_160, 3_400));
    DoubleGrant { key: 0, kind: DoubleGrantKind::Inside, admitted: false, earlier, later }
}

fn fact(fact: FactKind, client: u32, from: u64, to: u64) -> Fact {
    Fact { fact, client: Some(client), node: None, fault: None, from_ns: from * MS, to_ns: to * MS, left_ms: None }
}

fn told(backend: &str, cause: Cause, evidence: &[Fact]) -> String {
    let missing = (cause == Cause::Undetermined).then_some(Missing::NotAsked);
    let found = Attribution { cause, evidence: evidence.to_vec(), missing, updates_lost: 2, writes_refused: 1 };
    why(backend, &double(), &found)
}

#[test]
fn each_cause_is_one_sentence() {
    let lost = Fact { node: Some(3), left_ms: Some(800), ..fact(FactKind::Lost, 1, 2_100, 2_120) };
    let away = Fact { node: Some(3), ..fact(FactKind::Away, 1, 2_110, 2_150) };
    let fault = Fact { node: Some(3), fault: Some(0), ..fact(FactKind::Fault, 1, 2_100, 2_200) };
    let held = Fact { node: Some(0), ..fact(FactKind::Held, 1, 1_000, 3_000) };
    let all = [
        told("redlock", Cause::ServerLost, &[lost, away, fault]),
        told("postgres:advisory", Cause::ServerLost, &[fact(FactKind::LostSignal, 1, 2_150, 2_150)]),
        told("redis", Cause::ServerLost, &[fact(FactKind::TokenBack, 2, 2_160, 2_160)]),
        told(
            "redis",
            Cause::Overstayed,
            &[fact(FactKind::PromiseOver, 1, 2_000, 2_000), fact(FactKind::Stopped, 1, 1_100, 2_900)],
        ),
        told("etcd", Cause::Overstayed, &[Fact { node: Some(0), ..fact(FactKind::Lost, 1, 2_000, 2_020) }]),
        told("etcd", Cause::DeadLease, &[fact(FactKind::DeadLease, 2, 2_060, 2_160)]),
        told("redis", Cause::ForeignHit, &[fact(FactKind::ForeignRelease, 3, 2_100, 2_101)]),
        told("redis", Cause::ForeignHit, &[fact(FactKind::ForeignRenewal, 3, 2_100, 2_101)]),
        told("redis", Cause::ForeignHit, &[fact(FactKind::ForeignRenewal, 1, 2_100, 2_101)]),
        told(
            "redis",
            Cause::Overstayed,
            &[fact(FactKind::PromiseOver, 1, 2_000, 2_000), fact(FactKind::ForeignRenewal, 1, 2_200, 2_201)],
        ),
        told("redis", Cause::SharedIdentity, &[]),
        told("redis", Cause::NoGrant, &[fact(FactKind::NeverHolder, 2, 2_100, 2_160), held]),
        told("memory", Cause::NoGrant, &[fact(FactKind::NoToken, 2, 2_160, 2_160)]),
        told("redis", Cause::Undetermined, &[]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_server_that_was_asked_late_did_not_fail_to_answer() {
    let lost = fact(FactKind::Lost, 1, 2_100, 2_120);
    let late = Fact { to_ns: 2_110 * MS + 2_300, ..fact(FactKind::Away, 1, 2_110, 2_110) };
    let said = told("redis:sentinel", Cause::ServerLost, &[lost, late]);
    assert!(said.contains("from the server; client 2 then"), "{said}");
    let away = fact(FactKind::Away, 1, 2_110, 2_150);
    assert!(told("redis:sentinel", Cause::ServerLost, &[lost, away]).contains("which did not answer for 40.0 ms"));
}
