//! Compaction while keys are read, and words that are no locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etcd_client::{Client as Etcd, PutOptions, Txn, TxnOp};

use super::super::{json, names};
use crate::support;

#[tokio::test]
async fn blocks_and_clocks_are_no_locks() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::etcd::KIND, "inspect") else { return };
    let mut direct = Etcd::connect([endpoints[0].host_port()], None).await.unwrap();
    let lease = direct.lease_grant(60, None).await.unwrap().id();
    let root = format!("/words-{}", std::process::id());
    for key in ["services/clock-api/10.0.0.7:80", "blockchain/peers/node1", "registry/unblocked/x", "locks/job"] {
        let options = PutOptions::new().with_lease(lease);
        direct.put(format!("{root}/{key}"), "v", Some(options)).await.unwrap();
    }
    direct.put(format!("{root}/locks/stuck"), "v", None).await.unwrap();
    let seen = json(&[endpoints[0].secret_url()]);
    let own: Vec<&str> = names(&seen).into_iter().filter(|name| name.starts_with(&root)).collect();
    assert_eq!(own, [format!("{root}/locks/job")]);
    assert!(seen["notes"].to_string().contains("without a lease; such a lock stays"), "{}", seen["notes"]);
    direct.lease_revoke(lease).await.unwrap();
    direct.delete(format!("{root}/locks/stuck"), None).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_compacted_meanwhile_is_read_to_its_end() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::etcd::KIND, "inspect") else { return };
    let mut direct = Etcd::connect([endpoints[0].host_port()], None).await.unwrap();
    let lease = direct.lease_grant(600, None).await.unwrap().id();
    let root = format!("/compacted-{}/", std::process::id());
    let leased = || Some(PutOptions::new().with_lease(lease));
    for page in 0..50 {
        let put = |n| TxnOp::put(format!("{root}svc/{:06}", page * 100 + n), "v", leased());
        direct.txn(Txn::new().and_then((0..100).map(put).collect::<Vec<_>>())).await.unwrap();
    }
    direct.put(format!("{root}zz"), "me", leased()).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let compacting = {
        let (mut direct, over, tick) = (direct.clone(), Arc::clone(&over), format!("tick-{root}"));
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let put = direct.put(tick.clone(), "x", None).await.unwrap();
                let revision = put.header().unwrap().revision();
                direct.compact(revision, None).await.unwrap();
            }
        })
    };
    let url = endpoints[0].secret_url().to_owned();
    let prefix = root.clone();
    let seen = tokio::task::spawn_blocking(move || {
        // Whether a compaction falls between two pages is chance: until it did.
        loop {
            let seen = json(&[&url, "--prefix", &prefix, "--limit", "10000"]);
            if seen["notes"].to_string().contains("was compacted while its keys were read") {
                break seen;
            }
        }
    })
    .await
    .unwrap();
    over.store(true, Ordering::Relaxed);
    compacting.await.unwrap();
    assert_eq!((names(&seen).len(), names(&seen).last().copied()), (5_001, Some(format!("{root}zz").as_str())));
    direct.lease_revoke(lease).await.unwrap();
}
