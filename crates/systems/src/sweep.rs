//! How each kind of server is asked what dead runs left on it: the registry of `lockbench sweep-up`. One file a
//! kind, one line here.

use super::{Target, etcd, postgres, redis, zookeeper};
use lockbench_core::lock::{ServerKind, Sweeper, SystemError};

/// What looks at the servers of that kind. Contacts nobody yet.
///
/// # Errors
/// An address that cannot be used.
pub fn sweeper(kind: ServerKind, target: &Target) -> Result<Box<dyn Sweeper>, SystemError> {
    Ok(match kind {
        ServerKind::Redis | ServerKind::Redlock => Box::new(redis::sweep::Nodes::new(kind.name(), target)?),
        ServerKind::Zookeeper => Box::new(zookeeper::sweep::Ensemble::new(target)?),
        ServerKind::Etcd => Box::new(etcd::sweep::Cluster::new(target)?),
        ServerKind::Postgres => Box::new(postgres::sweep::Database::new(target)?),
    })
}
