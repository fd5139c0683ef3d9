//! The workloads that come with lockbench, by name: `run hot-key` works from any directory.

use std::path::{Path, PathBuf};

use super::schema;

/// The workload of `lockbench quick`.
pub(super) const QUICKSTART: &str = include_str!("../../../../workloads/quickstart.toml");

/// File and text of each, as in `workloads/`. That of `lockbench monitor` is none to run.
const GALLERY: &[(&str, &str)] = &[
    ("workloads/batch-job.toml", include_str!("../../../../workloads/batch-job.toml")),
    ("workloads/cache-warming.toml", include_str!("../../../../workloads/cache-warming.toml")),
    ("workloads/clients-grow.toml", include_str!("../../../../workloads/clients-grow.toml")),
    ("workloads/config-update.toml", include_str!("../../../../workloads/config-update.toml")),
    ("workloads/distributed-cron.toml", include_str!("../../../../workloads/distributed-cron.toml")),
    ("workloads/distributed-transaction.toml", include_str!("../../../../workloads/distributed-transaction.toml")),
    (
        "workloads/distributed-transaction-ordered.toml",
        include_str!("../../../../workloads/distributed-transaction-ordered.toml"),
    ),
    ("workloads/dynamic-ttl.toml", include_str!("../../../../workloads/dynamic-ttl.toml")),
    ("workloads/fine-vs-coarse.toml", include_str!("../../../../workloads/fine-vs-coarse.toml")),
    ("workloads/flash-sale.toml", include_str!("../../../../workloads/flash-sale.toml")),
    ("workloads/give-up.toml", include_str!("../../../../workloads/give-up.toml")),
    ("workloads/hierarchical.toml", include_str!("../../../../workloads/hierarchical.toml")),
    ("workloads/hot-key.toml", include_str!("../../../../workloads/hot-key.toml")),
    ("workloads/leader-election.toml", include_str!("../../../../workloads/leader-election.toml")),
    ("workloads/long-hold-renewal.toml", include_str!("../../../../workloads/long-hold-renewal.toml")),
    ("workloads/long-reconciliation.toml", include_str!("../../../../workloads/long-reconciliation.toml")),
    ("workloads/message-dedup.toml", include_str!("../../../../workloads/message-dedup.toml")),
    ("workloads/noisy-neighbour.toml", include_str!("../../../../workloads/noisy-neighbour.toml")),
    ("workloads/open-loop.toml", include_str!("../../../../workloads/open-loop.toml")),
    ("workloads/optimistic-vs-lock.toml", include_str!("../../../../workloads/optimistic-vs-lock.toml")),
    ("workloads/overstay.toml", include_str!("../../../../workloads/overstay.toml")),
    ("workloads/payment.toml", include_str!("../../../../workloads/payment.toml")),
    ("workloads/postgres-family.toml", include_str!("../../../../workloads/postgres-family.toml")),
    ("workloads/quickstart.toml", QUICKSTART),
    ("workloads/rare-long-holds.toml", include_str!("../../../../workloads/rare-long-holds.toml")),
    ("workloads/rate-limiter.toml", include_str!("../../../../workloads/rate-limiter.toml")),
    ("workloads/read-mostly.toml", include_str!("../../../../workloads/read-mostly.toml")),
    ("workloads/request-dedup.toml", include_str!("../../../../workloads/request-dedup.toml")),
    ("workloads/resource-pool.toml", include_str!("../../../../workloads/resource-pool.toml")),
    ("workloads/retry-strategies.toml", include_str!("../../../../workloads/retry-strategies.toml")),
    ("workloads/saga.toml", include_str!("../../../../workloads/saga.toml")),
    ("workloads/schema-migration.toml", include_str!("../../../../workloads/schema-migration.toml")),
    ("workloads/stopped-node.toml", include_str!("../../../../workloads/stopped-node.toml")),
    ("workloads/transaction-trace.toml", include_str!("../../../../workloads/transaction-trace.toml")),
    ("workloads/ttl-sweep.toml", include_str!("../../../../workloads/ttl-sweep.toml")),
    ("workloads/uncontended.toml", include_str!("../../../../workloads/uncontended.toml")),
    ("workloads/waiters-sweep.toml", include_str!("../../../../workloads/waiters-sweep.toml")),
    ("workloads/wait-strategies.toml", include_str!("../../../../workloads/wait-strategies.toml")),
    ("workloads/zipf.toml", include_str!("../../../../workloads/zipf.toml")),
    ("workloads/controls/lockfile.toml", include_str!("../../../../workloads/controls/lockfile.toml")),
    ("workloads/controls/no-lock.toml", include_str!("../../../../workloads/controls/no-lock.toml")),
    ("workloads/controls/no-renew.toml", include_str!("../../../../workloads/controls/no-renew.toml")),
    ("workloads/controls/one-too-many.toml", include_str!("../../../../workloads/controls/one-too-many.toml")),
    (
        "workloads/controls/overlooks-readers.toml",
        include_str!("../../../../workloads/controls/overlooks-readers.toml"),
    ),
    ("workloads/controls/shared-identity.toml", include_str!("../../../../workloads/controls/shared-identity.toml")),
    ("workloads/controls/swallow-error.toml", include_str!("../../../../workloads/controls/swallow-error.toml")),
    ("workloads/controls/wrong-release.toml", include_str!("../../../../workloads/controls/wrong-release.toml")),
    ("workloads/scenarios/normal.toml", include_str!("../../../../workloads/scenarios/normal.toml")),
    ("workloads/scenarios/client-pause.toml", include_str!("../../../../workloads/scenarios/client-pause.toml")),
    (
        "workloads/scenarios/pause-before-entry.toml",
        include_str!("../../../../workloads/scenarios/pause-before-entry.toml"),
    ),
    ("workloads/scenarios/waiter-pause.toml", include_str!("../../../../workloads/scenarios/waiter-pause.toml")),
    ("workloads/scenarios/holder-crash.toml", include_str!("../../../../workloads/scenarios/holder-crash.toml")),
    ("workloads/scenarios/renewal-stall.toml", include_str!("../../../../workloads/scenarios/renewal-stall.toml")),
    ("workloads/scenarios/late-write.toml", include_str!("../../../../workloads/scenarios/late-write.toml")),
    ("workloads/scenarios/restart-empty.toml", include_str!("../../../../workloads/scenarios/restart-empty.toml")),
    ("workloads/scenarios/erosion.toml", include_str!("../../../../workloads/scenarios/erosion.toml")),
    ("workloads/scenarios/erosion-delayed.toml", include_str!("../../../../workloads/scenarios/erosion-delayed.toml")),
    ("workloads/scenarios/two-nodes-down.toml", include_str!("../../../../workloads/scenarios/two-nodes-down.toml")),
    (
        "workloads/scenarios/three-nodes-down.toml",
        include_str!("../../../../workloads/scenarios/three-nodes-down.toml"),
    ),
    ("workloads/scenarios/partition.toml", include_str!("../../../../workloads/scenarios/partition.toml")),
    (
        "workloads/scenarios/partition-overstay.toml",
        include_str!("../../../../workloads/scenarios/partition-overstay.toml"),
    ),
    ("workloads/scenarios/session-expiry.toml", include_str!("../../../../workloads/scenarios/session-expiry.toml")),
    ("workloads/scenarios/stale-session.toml", include_str!("../../../../workloads/scenarios/stale-session.toml")),
    (
        "workloads/scenarios/minority-partition.toml",
        include_str!("../../../../workloads/scenarios/minority-partition.toml"),
    ),
    ("workloads/scenarios/slow-node.toml", include_str!("../../../../workloads/scenarios/slow-node.toml")),
    ("workloads/scenarios/late-reply.toml", include_str!("../../../../workloads/scenarios/late-reply.toml")),
    (
        "workloads/scenarios/create-reply-lost.toml",
        include_str!("../../../../workloads/scenarios/create-reply-lost.toml"),
    ),
    ("workloads/scenarios/half-open.toml", include_str!("../../../../workloads/scenarios/half-open.toml")),
    (
        "workloads/scenarios/half-open-keepalive.toml",
        include_str!("../../../../workloads/scenarios/half-open-keepalive.toml"),
    ),
    (
        "workloads/scenarios/connection-reset.toml",
        include_str!("../../../../workloads/scenarios/connection-reset.toml"),
    ),
    ("workloads/scenarios/server-pause.toml", include_str!("../../../../workloads/scenarios/server-pause.toml")),
    ("workloads/scenarios/leader-kill.toml", include_str!("../../../../workloads/scenarios/leader-kill.toml")),
    ("workloads/scenarios/leader-cut.toml", include_str!("../../../../workloads/scenarios/leader-cut.toml")),
    ("workloads/scenarios/session-ended.toml", include_str!("../../../../workloads/scenarios/session-ended.toml")),
    ("workloads/scenarios/eviction.toml", include_str!("../../../../workloads/scenarios/eviction.toml")),
    ("workloads/scenarios/leader-pause.toml", include_str!("../../../../workloads/scenarios/leader-pause.toml")),
    ("workloads/scenarios/failover-wait0.toml", include_str!("../../../../workloads/scenarios/failover-wait0.toml")),
    ("workloads/scenarios/failover-wait1.toml", include_str!("../../../../workloads/scenarios/failover-wait1.toml")),
    (
        "workloads/scenarios/failover-wait1-wrong.toml",
        include_str!("../../../../workloads/scenarios/failover-wait1-wrong.toml"),
    ),
    ("workloads/scenarios/failover-wait2.toml", include_str!("../../../../workloads/scenarios/failover-wait2.toml")),
    ("workloads/scenarios/demoted-primary.toml", include_str!("../../../../workloads/scenarios/demoted-primary.toml")),
    (
        "workloads/scenarios/demoted-primary-min-replicas.toml",
        include_str!("../../../../workloads/scenarios/demoted-primary-min-replicas.toml"),
    ),
    (
        "workloads/scenarios/primary-restarts-empty.toml",
        include_str!("../../../../workloads/scenarios/primary-restarts-empty.toml"),
    ),
    ("workloads/scenarios/clock-forward.toml", include_str!("../../../../workloads/scenarios/clock-forward.toml")),
    (
        "workloads/scenarios/clock-forward-one.toml",
        include_str!("../../../../workloads/scenarios/clock-forward-one.toml"),
    ),
    (
        "workloads/scenarios/clock-forward-majority.toml",
        include_str!("../../../../workloads/scenarios/clock-forward-majority.toml"),
    ),
    (
        "workloads/scenarios/clock-forward-cut.toml",
        include_str!("../../../../workloads/scenarios/clock-forward-cut.toml"),
    ),
    ("workloads/scenarios/clock-back.toml", include_str!("../../../../workloads/scenarios/clock-back.toml")),
    ("workloads/scenarios/clock-drift.toml", include_str!("../../../../workloads/scenarios/clock-drift.toml")),
    (
        "workloads/scenarios/clock-drift-allowed.toml",
        include_str!("../../../../workloads/scenarios/clock-drift-allowed.toml"),
    ),
    ("workloads/scenarios/client-clock.toml", include_str!("../../../../workloads/scenarios/client-clock.toml")),
    (
        "workloads/scenarios/power-cut-synced.toml",
        include_str!("../../../../workloads/scenarios/power-cut-synced.toml"),
    ),
    (
        "workloads/scenarios/power-cut-everysec.toml",
        include_str!("../../../../workloads/scenarios/power-cut-everysec.toml"),
    ),
    (
        "workloads/scenarios/power-cut-unsynced.toml",
        include_str!("../../../../workloads/scenarios/power-cut-unsynced.toml"),
    ),
    ("workloads/scenarios/power-cut-late.toml", include_str!("../../../../workloads/scenarios/power-cut-late.toml")),
    (
        "workloads/scenarios/leader-slow-disk.toml",
        include_str!("../../../../workloads/scenarios/leader-slow-disk.toml"),
    ),
    ("workloads/scenarios/pooler-session.toml", include_str!("../../../../workloads/scenarios/pooler-session.toml")),
    (
        "workloads/scenarios/pooler-transaction.toml",
        include_str!("../../../../workloads/scenarios/pooler-transaction.toml"),
    ),
    (
        "workloads/scenarios/pooler-transaction-unlock.toml",
        include_str!("../../../../workloads/scenarios/pooler-transaction-unlock.toml"),
    ),
    (
        "workloads/scenarios/standby-promoted.toml",
        include_str!("../../../../workloads/scenarios/standby-promoted.toml"),
    ),
    (
        "workloads/scenarios/standby-promoted-synchronous.toml",
        include_str!("../../../../workloads/scenarios/standby-promoted-synchronous.toml"),
    ),
    ("workloads/scenarios/slow-disk.toml", include_str!("../../../../workloads/scenarios/slow-disk.toml")),
];

/// The traces that come with lockbench: file and text.
const TRACES: &[(&str, &str)] = &[("workloads/traces/tpcc.csv", include_str!("../../../../workloads/traces/tpcc.csv"))];

/// The text of a trace that comes with lockbench.
pub(super) fn trace(path: &Path) -> Option<&'static str> {
    TRACES.iter().find(|(file, _)| Path::new(file) == path).map(|(_, text)| *text)
}

/// The scenarios that come with lockbench: name and text, in the order in which they are told.
pub fn scenarios() -> impl Iterator<Item = (&'static str, &'static str)> {
    GALLERY.iter().filter_map(|(file, text)| {
        let own = file.strip_prefix("workloads/scenarios/")?;
        Some((own.strip_suffix(".toml").unwrap_or(own), *text))
    })
}

/// The workload that is meant by `hot-key`, `hot-key.toml` or `workloads/hot-key.toml`.
pub(super) fn named(path: &Path) -> Option<(&'static str, &'static str)> {
    let typed = name(path.to_str()?);
    GALLERY.iter().copied().find(|(file, _)| name(file) == typed)
}

/// The name nearest to one that is not there: `scenarios/client-pause` for `client-pause`.
pub(super) fn nearest(path: &Path) -> Option<PathBuf> {
    let typed = name(path.to_str()?);
    let names = || GALLERY.iter().map(|(file, _)| name(file));
    let deeper = names().find(|name| name.rsplit('/').next() == Some(typed));
    deeper.or_else(|| schema::nearest(typed, names())).map(PathBuf::from)
}

fn name(path: &str) -> &str {
    let path = path.strip_suffix(".toml").unwrap_or(path);
    path.strip_prefix("workloads/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{GALLERY, named, nearest};

    #[test]
    fn every_workload_that_can_be_run_has_its_name() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut there = BTreeSet::new();
        for directory in ["workloads", "workloads/controls", "workloads/scenarios"] {
            for entry in std::fs::read_dir(root.join(directory)).unwrap() {
                let file = format!("{directory}/{}", entry.unwrap().file_name().to_string_lossy());
                if file.ends_with(".toml") && file != "workloads/monitor.toml" {
                    there.insert(file);
                }
            }
        }
        assert_eq!(GALLERY.iter().map(|(file, _)| (*file).to_owned()).collect::<BTreeSet<_>>(), there);
    }

    #[test]
    fn a_name_is_known_with_and_without_its_directory_and_suffix() {
        for typed in ["hot-key", "hot-key.toml", "workloads/hot-key", "workloads/hot-key.toml"] {
            assert_eq!(named(Path::new(typed)).unwrap().0, "workloads/hot-key.toml", "{typed}");
        }
        assert!(named(Path::new("elsewhere/hot-key.toml")).is_none());
        assert_eq!(nearest(Path::new("hotkey")).unwrap(), Path::new("hot-key"));
        assert_eq!(nearest(Path::new("client-pause")).unwrap(), Path::new("scenarios/client-pause"));
    }
}
