//! Texts in other encodings, and poolers.

use tokio_postgres::NoTls;

use super::super::{json, named, postgres};
use crate::support;

#[tokio::test]
async fn a_session_in_another_encoding_hides_no_lock() {
    let Some(endpoints) = support::endpoints_apart(lockbench::backend::postgres::KIND, "inspect") else { return };
    let admin = postgres(&endpoints[0], "admin").await;
    let name = format!("latin_{}", std::process::id());
    admin
        .batch_execute(&format!(
            "create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
        ))
        .await
        .unwrap();
    let mut config: tokio_postgres::Config = endpoints[0].secret_url().parse().unwrap();
    config.dbname(&name);
    let (latin, driver) = config.connect(NoTls).await.unwrap();
    tokio::spawn(driver);
    // Stored in Latin-1: to a session in UTF-8 these bytes are no text.
    latin.batch_execute("select pg_advisory_lock(77), 'zoë'").await.unwrap();
    admin.batch_execute("select pg_advisory_lock(78)").await.unwrap();
    let url = endpoints[0].secret_url().to_owned();
    let there = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
    for (url, latin_lock, own_lock) in [
        (&url, format!("advisory 77 in {name}"), "advisory 78".to_owned()),
        (&there, "advisory 77".to_owned(), format!("advisory 78 in {}", url.rsplit('/').next().unwrap())),
    ] {
        let seen = json(&[url]);
        named(&seen, &own_lock);
        let query = named(&seen, &latin_lock)["holders"][0]["details"]["query"].as_str().unwrap().to_owned();
        assert!(query.contains("zoë") || query.contains("zo\\xeb"), "{query}");
    }
    drop(latin);
    admin.batch_execute("select pg_advisory_unlock(78)").await.unwrap();
    admin.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
}
