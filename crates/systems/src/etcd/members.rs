//! A connection to several members that goes on while some of them are away.
//!
//! The client library spreads requests over all members that it was given, those that
//! refuse connections included. etcd's own client sends only to members that it is
//! connected to (<https://etcd.io/docs/v3.4/learning/design-client/#clientv3-grpc123-balancer-overview>);
//! this does the same: a member that refuses is taken out of the list, and taken back
//! when it accepts connections again. While all is well it sends nothing.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::Client;
use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::config::{Config, Trouble};

/// How long a member may take to accept a connection.
const PROBE: Duration = Duration::from_millis(500);
/// Pause between two looks for members that are away.
const PAUSE: Duration = Duration::from_millis(250);

/// The list behind a connection. Dropping it leaves the list as it is.
pub struct Members {
    keeper: Option<JoinHandle<()>>,
}

impl Members {
    /// Connects to the members that accept connections; to all, if none does, so that the
    /// library says why.
    pub async fn connect(config: &Arc<Config>, limit_ns: u64) -> Result<(Client, Self), Trouble> {
        let urls = config.urls();
        if urls.len() == 1 {
            return Ok((config.connect(urls, limit_ns).await?, Self { keeper: None }));
        }
        let mut alarm = config.alarm();
        let up = reachable(urls).await;
        let listed: Vec<bool> = if up.contains(&true) { up } else { vec![true; urls.len()] };
        let some: Vec<String> =
            urls.iter().zip(&listed).filter(|(_, listed)| **listed).map(|(url, _)| url.clone()).collect();
        let client = config.connect(&some, limit_ns).await?;
        alarm.mark_unchanged();
        let list = List { config: Arc::clone(config), client: client.clone(), listed, alarm };
        Ok((client, Self { keeper: Some(tokio::spawn(list.keep())) }))
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

struct List {
    config: Arc<Config>,
    client: Client,
    /// Which of the configured members the client has.
    listed: Vec<bool>,
    /// Changes when a connection was refused.
    alarm: tokio::sync::watch::Receiver<u64>,
}

impl List {
    async fn keep(mut self) {
        loop {
            if self.listed.iter().all(|listed| *listed) {
                if self.alarm.changed().await.is_err() {
                    return;
                }
            } else {
                // A refusal of another member, or time to look again.
                let _ = tokio::time::timeout(PAUSE, self.alarm.changed()).await;
            }
            let up = reachable(self.config.urls()).await;
            if !up.contains(&true) {
                // Without any member every request fails in the library's words.
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            for (place, up) in up.into_iter().enumerate() {
                let url = &self.config.urls()[place];
                let changed = match (self.listed[place], up) {
                    (false, true) => self.client.add_endpoint(url).await,
                    (true, false) => self.client.remove_endpoint(url).await,
                    _ => continue,
                };
                if changed.is_err() {
                    return;
                }
                self.listed[place] = up;
            }
        }
    }
}

/// Which members accept a connection.
async fn reachable(urls: &[String]) -> Vec<bool> {
    let probe = async |url: &String| {
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        tokio::time::timeout(PROBE, TcpStream::connect(host)).await.is_ok_and(|connected| connected.is_ok())
    };
    join_all(urls.iter().map(probe)).await
}
