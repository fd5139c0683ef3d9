//! The two transactions of the recipe for a queue of one, in a bare loop over the client library.

use std::sync::Arc;

use etcd_client::{
    Client, Compare, CompareOp, Error, GetOptions, PutOptions, ResponseHeader, SortOrder, SortTarget, Txn, TxnOp,
};

use super::config::{Config, Trouble};
use super::lease::Lease;
use crate::Target;
use crate::bare::{Bare, LEASE_NS, LIMIT_NS};
use lockbench_core::clock::Clock;
use lockbench_core::lock::{Key, Local, SystemError};

struct Loop {
    client: Client,
    lease: Lease,
    prefix: String,
    key: String,
    value: String,
    clock: Clock,
}

pub(super) fn open(target: Target, key: Key, client: u32) -> Local<'static, Result<Box<dyn Bare>, SystemError>> {
    Box::pin(async move {
        let config = Arc::new(Config::new(&target)?);
        let failed = |trouble: Trouble| config.error(&trouble.text);
        let connection = config.connect(config.urls(), LIMIT_NS).await.map_err(failed)?;
        let lease = Lease::grant(&config, &connection, LEASE_NS, LIMIT_NS).await.map_err(failed)?;
        let prefix = config.prefix(&key);
        Ok(Box::new(Loop {
            client: connection,
            key: format!("{prefix}{:x}", lease.id),
            lease,
            prefix,
            value: format!("client {client}"),
            clock: target.clock,
        }) as Box<dyn Bare>)
    })
}

impl Bare for Loop {
    fn cycle(&mut self) -> Local<'_, Result<u64, String>> {
        Box::pin(async {
            let said = |error: Error| error.to_string();
            let key = self.key.as_str();
            let oldest = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend).with_limit(1);
            let enter = Txn::new()
                .when([Compare::create_revision(key, CompareOp::Equal, 0)])
                .and_then([
                    TxnOp::put(key, self.value.as_str(), Some(PutOptions::new().with_lease(self.lease.id))),
                    TxnOp::get(self.prefix.as_str(), Some(oldest)),
                ])
                .or_else([TxnOp::get(key, None)]);
            let entered = self.client.txn(enter).await.map_err(said)?;
            let granted = self.clock.now();
            let revision = entered.header().map_or(0, ResponseHeader::revision);
            let leave = Txn::new()
                .when([Compare::create_revision(key, CompareOp::Equal, revision)])
                .and_then([TxnOp::delete(key, None)]);
            let left = self.client.txn(leave).await.map_err(said)?;
            if entered.succeeded() && left.succeeded() {
                Ok(granted)
            } else {
                Err("the key is not for itself".to_owned())
            }
        })
    }
}
