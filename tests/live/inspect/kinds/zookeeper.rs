//! Nodes that may not be read, counters that went round, Curator's other recipes.

use serde_json::Value;
use zookeeper_client::{Acl, Acls, AuthId, Client, CreateMode, Permission};

use super::super::{UUID, json, named, names};
use crate::support;

async fn made(client: &Client, parents: &[String]) {
    let lasting = CreateMode::Persistent.with_acls(Acls::anyone_all());
    for parent in parents {
        client.create(parent, b"", &lasting).await.unwrap();
    }
}

fn identities(lock: &Value, of: &str) -> Vec<String> {
    lock[of].as_array().unwrap().iter().map(|one| one["identity"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn a_node_that_may_not_be_read_hides_only_itself() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "inspect") else { return };
    let client = Client::connect(endpoints[0].host_port()).await.unwrap();
    client.auth("digest", b"svc:pw").await.unwrap();
    let root = format!("/acl-{}", std::process::id());
    let path = |below: &str| format!("{root}{below}");
    made(&client, &["", "/pub", "/pub/secret"].map(path)).await;
    let own = [Acl::new(Permission::ALL, AuthId::new("auth", ""))];
    let private = CreateMode::Persistent.with_acls(Acls::new(&own));
    let waiting = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
    let hidden = CreateMode::EphemeralSequential.with_acls(Acls::new(&own));
    client.create(&path("/pub/lock-"), b"worker-1", &waiting).await.unwrap();
    client.create(&path("/pub/secret/lock-"), b"svc-1", &hidden).await.unwrap();
    client.create(&path("/tenant"), b"", &private).await.unwrap();
    client.create(&path("/tenant/locks"), b"", &private).await.unwrap();
    client.create(&path("/tenant/locks/lock-"), b"svc-2", &hidden).await.unwrap();
    let seen = json(&[endpoints[0].secret_url()]);
    assert_eq!(identities(named(&seen, &path("/pub")), "holders"), ["worker-1"]);
    let secret = &named(&seen, &path("/pub/secret"))["holders"][0];
    assert_eq!(secret["client"], format!("session {:#x}", client.session_id().0));
    assert!(secret["identity"].is_null());
    let notes = seen["notes"].to_string();
    assert!(notes.contains("the data of 1 client's node may not be read"), "{notes}");
    assert!(notes.contains("may not be listed") && notes.contains(&path("/tenant")), "{notes}");
}

#[tokio::test]
async fn the_turn_goes_on_after_the_counter_went_round() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "inspect") else { return };
    let client = Client::connect(endpoints[0].host_port()).await.unwrap();
    let root = format!("/wrap-{}", std::process::id());
    let path = |below: &str| format!("{root}{below}");
    made(&client, &["", "/lock", "/rw", "/round"].map(path)).await;
    let node = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    for (place, data) in [
        ("/lock/0123456789abcdef0123456789abcdef__lock__-2147483647", "younger"),
        ("/lock/0123456789abcdef0123456789abcdef__lock__-2147483648", "older"),
        ("/rw/0123456789abcdef0123456789abcdef__rlock__-2147483646", "reader"),
        ("/rw/0123456789abcdef0123456789abcdef__rlock__-2147483645", "reader"),
        ("/round/_c_x-lock--2147483648", "after"),
        ("/round/_c_x-lock-2147483647", "before"),
    ] {
        client.create(&path(place), data.as_bytes(), &node).await.unwrap();
    }
    let seen = json(&[endpoints[0].secret_url()]);
    let lock = named(&seen, &path("/lock"));
    assert_eq!(
        (identities(lock, "holders"), identities(lock, "waiters")),
        (vec!["older".into()], vec!["younger".into()])
    );
    assert_eq!(identities(named(&seen, &path("/rw")), "holders").len(), 2);
    let round = named(&seen, &path("/round"));
    assert_eq!(
        (identities(round, "holders"), identities(round, "waiters")),
        (vec!["before".into()], vec!["after".into()])
    );
    assert!(round["notes"].to_string().contains("went round"), "{round:#}");
}

#[tokio::test]
async fn curators_other_recipes_are_told_and_words_that_are_no_locks_are_not() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::zookeeper::KIND, "inspect") else { return };
    let server = endpoints[0].host_port();
    let (first, second) = (Client::connect(server).await.unwrap(), Client::connect(server).await.unwrap());
    let root = format!("/curators-{}", std::process::id());
    let path = |below: &str| format!("{root}{below}");
    let parents =
        ["", "/one", "/one/leases", "/one/locks", "/three", "/three/leases", "/three/locks", "/rw2", "/blocks"];
    made(&first, &parents.map(path)).await;
    let waiting = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
    let guid = |of: &str| format!("_c_{UUID}-{of}-");
    for (client, place, data) in [
        // InterProcessSemaphoreMutex: one holds, one waits and has made its node.
        (&first, format!("/one/leases/{}", guid("lease")), "a"),
        (&second, format!("/one/locks/{}", guid("lock")), "b"),
        (&second, format!("/one/leases/{}", guid("lease")), "b"),
        // InterProcessSemaphoreV2 with three leases, two of them taken.
        (&first, format!("/three/leases/{}", guid("lease")), "a"),
        (&first, format!("/three/leases/{}", guid("lease")), "a"),
        // A writer that reads too, and a reader that waits for it.
        (&second, format!("/rw2/{}", guid("__WRIT__").trim_end_matches('-')), "b"),
        (&second, format!("/rw2/{}", guid("__READ__").trim_end_matches('-')), "b"),
        (&first, format!("/rw2/{}", guid("__READ__").trim_end_matches('-')), "a"),
        (&first, "/blocks/block-".to_owned(), "x"),
        (&first, "/blocks/clock-tick-".to_owned(), "x"),
    ] {
        client.create(&path(&place), data.as_bytes(), &waiting).await.unwrap();
    }
    for seen in
        [json(&[endpoints[0].secret_url()]), json(&[endpoints[0].secret_url(), "--prefix", &format!("{root}/")])]
    {
        let one = named(&seen, &path("/one"));
        assert_eq!((identities(one, "holders"), identities(one, "waiters")), (vec!["a".into()], vec!["b".into()]));
        assert_eq!(one["kind"], "Curator semaphore");
        let three = named(&seen, &path("/three"));
        assert_eq!((identities(three, "holders").len(), &three["waiting"]), (2, &0.into()));
        let rw = named(&seen, &path("/rw2"));
        assert_eq!(
            (identities(rw, "holders"), identities(rw, "waiters")),
            (vec!["b".into(), "b".into()], vec!["a".into()])
        );
    }
    assert!(!names(&json(&[endpoints[0].secret_url()])).iter().any(|name| name.starts_with(&path("/blocks"))));
}
