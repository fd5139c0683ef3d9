//! A lock that the service takes away early, live: the backend of an advisory lock's holder is
//! terminated, another client gets the lock, and the first one is still inside. The lock has no
//! lease, so its promise ran: that is the service's doing (`withdrawn`), and no workload that
//! expects overstaying holders (`outside`) excuses it.

use crate::support;
use std::time::{Duration, Instant};

use crate::support::cli::{Place, Running};

/// Holds are much longer than it takes to terminate a backend and to hand the lock over.
const WORKLOAD: &str = "clients = 3\nkeys = \"single\"\nhold = \"1500ms\"\nwarmup = \"0s\"\nduration = \"6s\"\n\
    acquire = { mode = \"wait\", timeout = \"20s\" }\nexpect = [\"outside\"]\n";

/// The backend that holds an advisory lock for which another one waits.
const HOLDER: &str = "select holder.pid from pg_locks holder join pg_locks waiter \
    using (locktype, database, classid, objid, objsubid) \
    where locktype = 'advisory' and holder.granted and not waiter.granted limit 1";

/// Terminates the holder's backend once; returns whether there was one.
async fn terminate(admin: &tokio_postgres::Client) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Some(row) = admin.query_opt(HOLDER, &[]).await.unwrap() {
            let holder: i32 = row.get(0);
            return admin.query_one("select pg_terminate_backend($1)", &[&holder]).await.unwrap().get(0);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[test]
fn an_advisory_lock_whose_backend_is_terminated_is_withdrawn_and_not_excused() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::postgres::KIND, "withdrawn") else { return };
    let place = Place::new();
    place.file("w.toml", WORKLOAD);
    let endpoint = format!("postgres={}", endpoints[0].secret_url());
    let arguments = ["run", "w.toml", "-b", "postgres:advisory", "--endpoint", &endpoint];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = endpoints[0].secret_url().to_owned();
    let mut run = Running::start(&mut place.command(&arguments));
    run.until("[1/1] postgres:advisory");
    let terminated = runtime.block_on(async {
        let (admin, driver) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(driver);
        // Not the very first hold: clients are still coming.
        tokio::time::sleep(Duration::from_millis(300)).await;
        terminate(&admin).await
    });
    assert!(terminated, "no client waited for a holder");
    let ran = run.finish(Duration::from_secs(60)).exits(100);
    ran.tells(&["withdrawn"]);
    let report = place.report();
    let safety = &report["results"][0]["safety"];
    assert_eq!((&safety["inside"], &safety["outside"]), (&0.into(), &0.into()), "{safety}");
    assert_eq!((&safety["withdrawn"], &safety["double_grants_certain"]), (&1.into(), &1.into()), "{safety}");
    let violation = &safety["violations"][0];
    assert_eq!(violation["kind"], "withdrawn", "{violation}");
    assert!(violation["earlier"]["lost_ns"].is_number(), "when the holder was told is part of it: {violation}");
    assert_eq!(report["verdict"]["exit_code"], 100);
    // The stored history says the same, and the story too.
    let id = report["run_id"].as_str().unwrap();
    assert_eq!((&violation["cause"], &safety["causes"]["V1"]), (&"V1".into(), &1.into()), "{violation}");
    assert!(violation["why"].as_str().unwrap().contains("told its session"), "{violation}");
    place.run(&["verify", id]).exits(100).tells(&["withdrawn"]);
    place.run(&["explain", id, "1"]).exits(0).tells(&["withdr", "Cause V1"]);
}
