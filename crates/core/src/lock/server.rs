//! Which kinds of servers a recipe talks to. Vocabulary shared by the recipes, which
//! connect, and the stack, which starts. Where a server is says `endpoint`.

use std::fmt;

use serde::Serialize;

/// A kind of server that the stack can start and a recipe can need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// One redis-server.
    Redis,
    /// Five independent redis-servers.
    Redlock,
    /// One ZooKeeper server.
    Zookeeper,
    /// One etcd member.
    Etcd,
    /// One PostgreSQL cluster (in PostgreSQL's sense: one postmaster).
    Postgres,
}

impl ServerKind {
    /// Every kind, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Redis, Self::Redlock, Self::Zookeeper, Self::Etcd, Self::Postgres];

    /// The name used in `--endpoint NAME=URL` and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Redlock => "redlock",
            Self::Zookeeper => "zookeeper",
            Self::Etcd => "etcd",
            Self::Postgres => "postgres",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// URL schemes that mean this kind.
    #[must_use]
    pub fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Redis | Self::Redlock => &["redis", "rediss", "unix", "redis+unix"],
            Self::Zookeeper => &["zookeeper"],
            Self::Etcd => &["etcd", "etcds"],
            Self::Postgres => &["postgres", "postgresql"],
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
