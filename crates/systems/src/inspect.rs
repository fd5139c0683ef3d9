//! How each kind of server is asked which locks are held on it: the registry of
//! `lockbench inspect`. One folder a kind, one line here.

use super::{Target, etcd, postgres, redis, zookeeper};
use lockbench_core::lock::inspection::{Inspector, Scope};
use lockbench_core::lock::{ServerKind, SystemError};

/// What looks at the servers of that kind. Contacts nobody yet.
///
/// # Errors
/// An address that cannot be used.
pub fn inspector(kind: ServerKind, target: &Target, scope: Scope) -> Result<Box<dyn Inspector>, SystemError> {
    Ok(match kind {
        ServerKind::Redis | ServerKind::Redlock => Box::new(redis::look::Nodes::new(kind.name(), target, scope)?),
        ServerKind::Zookeeper => Box::new(zookeeper::look::Ensemble::new(target, scope)?),
        ServerKind::Etcd => Box::new(etcd::look::Cluster::new(target, scope)?),
        ServerKind::Postgres => Box::new(postgres::look::Database::new(target, scope)?),
    })
}
