//! Word of releases by LISTEN and NOTIFY: a notification is sent when the release commits, to the sessions that listen then
//! (<https://www.postgresql.org/docs/15/sql-notify.html>). One connection of the process listens for all of its clients. Behind a
//! pooler that shares sessions nothing arrives, and clients wait for the end of leases.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_postgres::Client;

use super::super::connect::Server;
use crate::listener::{Line, Source, spawn};
use crate::notices::Notices;

const LIMIT: Duration = Duration::from_secs(5);

/// Subscribes for all clients of this process.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(server: Server) -> std::io::Result<Arc<Notices>> {
    spawn("postgres:notify", Listens(server))
}

struct Listens(Server);

struct Session {
    client: Client,
    told: UnboundedReceiver<String>,
}

impl Source for Listens {
    type Line = Session;

    async fn connect(&self) -> Option<Session> {
        let (client, told) = self.0.listener(LIMIT).await.ok()?;
        Some(Session { client, told })
    }
}

impl Line for Session {
    async fn subscribe(&mut self, channel: &str) -> bool {
        // Our own name, of letters and digits.
        self.client.batch_execute(&format!("listen {channel}")).await.is_ok()
    }

    async fn message(&mut self) -> Option<String> {
        self.told.recv().await
    }
}
