//! The statements of the recipes in a bare loop over the client library.

use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use std::time::Duration;

use super::super::Target;
use super::advisory_key::number;
use super::connect::{Connection, Server, client_name, text_of};
use super::link::Request;
use super::table::Table;
use crate::bare::{Bare, LEASE_NS, LIMIT_NS};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, Local, SystemError};

/// A session with two prepared statements.
struct Line {
    connection: Connection,
    acquire: Statement,
    release: Statement,
    clock: Clock,
}

impl Line {
    async fn open(
        name: &'static str,
        target: &Target,
        client: u32,
        (acquire, release): (&Request, &Request),
    ) -> Result<Self, SystemError> {
        let server = Server::new(name, target)?;
        let connected = server.connect(&server.application(&client_name(client)), Duration::from_nanos(LIMIT_NS)).await;
        let connection = connected.map_err(|problem| server.error(&problem))?;
        let (acquire, release) =
            tokio::try_join!(connection.client.prepare(acquire.text()), connection.client.prepare(release.text()))
                .map_err(|error| server.error(&text_of(&error)))?;
        Ok(Self { connection, acquire, release, clock: target.clock })
    }

    async fn ask(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<tokio_postgres::Row, String> {
        self.connection.client.query_one(statement, parameters).await.map_err(|error| text_of(&error))
    }
}

struct Advisory {
    line: Line,
    id: i64,
    lock_timeout: String,
}

pub(super) fn advisory(target: Target, key: Key, client: u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>> {
    Box::pin(async move {
        let all = super::advisory::statements();
        let line = Line::open("postgres:advisory", &target, client, (&all[0], &all[2])).await?;
        let id = number(&target.namespace, &key.name, None);
        Ok(Box::new(Advisory { line, id, lock_timeout: (LIMIT_NS / 1_000_000).to_string() }) as Box<dyn Bare>)
    })
}

impl Bare for Advisory {
    fn cycle(&mut self) -> Local<'_, Result<u64, String>> {
        Box::pin(async {
            self.line.ask(&self.line.acquire, &[&self.lock_timeout, &self.id]).await?;
            let granted = self.line.clock.now();
            let released = self.line.ask(&self.line.release, &[&self.id]).await?;
            match released.try_get(0) {
                Ok(true) => Ok(granted),
                _ => Err("the lock was not held".to_owned()),
            }
        })
    }
}

struct Lease {
    line: Line,
    key: String,
    owner: String,
}

pub(super) fn lease(target: Target, key: Key, client: u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>> {
    Box::pin(async move {
        let table =
            Table::new(&target.namespace).map_err(|problem| SystemError::new("postgres:lease", "-", problem))?;
        let all = table.requests(None, false);
        let line = Line::open("postgres:lease", &target, client, (&all[0], &all[2])).await?;
        Ok(Box::new(Lease { line, key: key.name.to_string(), owner: client_name(client) }) as Box<dyn Bare>)
    })
}

impl Bare for Lease {
    fn cycle(&mut self) -> Local<'_, Result<u64, String>> {
        Box::pin(async {
            let ttl_us = LEASE_NS as f64 / 1e3;
            let row = self.line.ask(&self.line.acquire, &[&self.key, &self.owner, &ttl_us]).await?;
            let granted = self.line.clock.now();
            let fence: i64 = row.try_get(0).map_err(|error| text_of(&error))?;
            self.line.ask(&self.line.release, &[&self.key, &self.owner, &fence]).await?;
            Ok(granted)
        })
    }
}
