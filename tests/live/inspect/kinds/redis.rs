//! Users with fewer rights, what libraries keep beside their locks, clusters.

use std::time::Duration;

use super::super::{UUID, json, named, names, redis, send};
use crate::support::redis_server::{RedisServer, free_port};

#[tokio::test]
async fn a_key_that_may_not_be_read_hides_only_itself() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let mut raw = redis(&format!("redis://127.0.0.1:{}", server.port)).await;
    send(&mut raw, "ACL SETUSER app on >pw ~app:* &* +@all").await;
    send(&mut raw, "ACL SETUSER noinfo on >pw ~* &* +@all -info").await;
    for name in ["app:lock:a", "other:lock:b", "lock:c"] {
        send(&mut raw, &format!("SET {name} x PX 60000")).await;
    }
    send(&mut raw, &format!("HSET orders {UUID}:57 1")).await;
    send(&mut raw, "PEXPIRE orders 60000").await;
    let seen = json(&[&format!("redis://app:pw@127.0.0.1:{}", server.port)]);
    assert_eq!(names(&seen), ["app:lock:a"]);
    let notes = seen["notes"].to_string();
    assert!(notes.contains("2 keys with the name of a lock and 1 hash may not be read by this user"), "{notes}");
    let seen = json(&[&format!("redis://noinfo:pw@127.0.0.1:{}", server.port)]);
    assert_eq!(names(&seen), ["app:lock:a", "lock:c", "orders", "other:lock:b"]);
    assert!(seen["notes"].to_string().contains("may not use INFO"), "{seen:#}");
}

#[tokio::test]
async fn what_redisson_keeps_beside_its_locks_is_no_lock_and_all_readers_are_counted() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = format!("redis://127.0.0.1:{}", server.port);
    let mut raw = redis(&url).await;
    for line in [
        "INCR redisson_lock_token:{order-lock}".to_owned(),
        "SET redisson_unlock_latch:{order-lock}:0c6e2b0f 1 PX 13500".to_owned(),
        format!("HSET stock:lock mode read {UUID}:57 2"),
        "PEXPIRE stock:lock 30000".to_owned(),
        format!("SET {{stock:lock}}:{UUID}:57:rwlock_timeout:1 1 PX 30000"),
        // Fair locks; the first one's name has a hash tag of its own.
        format!("HSET {{tenant7}}:report {UUID}:57 1"),
        "PEXPIRE {tenant7}:report 30000".to_owned(),
        format!("RPUSH redisson_lock_queue:{{tenant7}}:report {UUID}:58 {UUID}:59"),
        format!("HSET report {UUID}:57 1"),
        "PEXPIRE report 30000".to_owned(),
        format!("RPUSH redisson_lock_queue:{{report}} {UUID}:58 {UUID}:59"),
    ] {
        send(&mut raw, &line).await;
    }
    let mut readers = redis::cmd("HSET");
    readers.arg("big-rw").arg("mode").arg("read");
    for reader in 0..800 {
        readers.arg(format!("{UUID}:{reader}")).arg(1);
    }
    readers.exec_async(&mut raw).await.unwrap();
    send(&mut raw, "PEXPIRE big-rw 60000").await;
    let seen = json(&[&url]);
    assert_eq!(names(&seen), ["big-rw", "report", "stock:lock", "{tenant7}:report"]);
    assert_eq!(
        (&named(&seen, "report")["waiting"], &named(&seen, "{tenant7}:report")["waiting"]),
        (&2.into(), &2.into())
    );
    let big = named(&seen, "big-rw");
    let listed = big["holders"].as_array().unwrap().len();
    assert!(listed == 800 || big["notes"].to_string().contains("800 clients hold it"), "{listed} {}", big["notes"]);
    // The token has no TTL: it is counted with what may be a lock that is stuck.
    assert!(seen["notes"].to_string().contains("stays until somebody deletes it"), "{}", seen["notes"]);
    // Not by the word of the user either.
    assert_eq!(names(&json(&[&url, "--prefix", "redisson_"])), Vec::<&str>::new());
}

#[tokio::test]
async fn owners_of_binary_values_are_told_apart() {
    let Some(servers) = (0..3).map(|_| RedisServer::start(&[])).collect::<Option<Vec<_>>>() else { return };
    for (value, server) in [[0xfd_u8], [0xfe], [0xff]].iter().zip(&servers) {
        let mut raw = redis(&format!("redis://127.0.0.1:{}", server.port)).await;
        redis::cmd("SET").arg("lock:x").arg(value.as_slice()).arg("PX").arg(60_000).exec_async(&mut raw).await.unwrap();
    }
    let urls: Vec<String> = servers.iter().map(|server| format!("redis://127.0.0.1:{}", server.port)).collect();
    let seen = json(&[&urls.join(",")]);
    let lock = named(&seen, "lock:x");
    assert_eq!((lock["holders"].as_array().unwrap().len(), &lock["quorum"]["holding"]), (0, &1.into()));
    assert!(lock["notes"][0].as_str().unwrap().contains("3 values compete"), "{lock:#}");
    // One server under two names is no second vote.
    let twice = json(&[&format!("{},redis://localhost:{},{}", urls[0], servers[0].port, urls[1])]);
    assert!(twice["notes"].to_string().contains("are one server"), "{}", twice["notes"]);
}

#[tokio::test]
async fn a_cluster_is_its_slots_and_not_redlock() {
    let start = || {
        let bus = free_port().to_string();
        RedisServer::start(&["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", &bus])
            .map(|server| (server, bus))
    };
    let Some(servers) = (0..2).map(|_| start()).collect::<Option<Vec<_>>>() else { return };
    let url = |place: usize| format!("redis://127.0.0.1:{}", servers[place].0.port);
    let (mut first, mut second) = (redis(&url(0)).await, redis(&url(1)).await);
    send(&mut first, "CLUSTER ADDSLOTSRANGE 0 8191").await;
    send(&mut second, "CLUSTER ADDSLOTSRANGE 8192 16383").await;
    send(&mut first, &format!("CLUSTER MEET 127.0.0.1 {} {}", servers[1].0.port, servers[1].1)).await;
    for raw in [&mut first, &mut second] {
        loop {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(raw).await.unwrap();
            if info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let name = format!("lock:{name}");
        let slot: u16 = redis::cmd("CLUSTER").arg("KEYSLOT").arg(&name).query_async(&mut first).await.unwrap();
        let raw = if slot < 8_192 { &mut first } else { &mut second };
        send(raw, &format!("SET {name} me NX PX 600000")).await;
        all.push(name);
    }
    let seen = json(&[&url(0), &url(1)]);
    assert_eq!((names(&seen), seen["system"].as_str()), (all.iter().map(String::as_str).collect(), Some("redis")));
    assert!(seen["locks"].as_array().unwrap().iter().all(|lock| lock["holders"][0]["client"] == "me"), "{seen:#}");
    assert!(seen["notes"][0].as_str().unwrap().contains("all of them were asked"), "{}", seen["notes"]);
    let part = json(&[&url(0)]);
    assert!(names(&part).len() < all.len());
    assert!(part["notes"][0].as_str().unwrap().contains("1 of its 2 masters"), "{}", part["notes"]);
}
