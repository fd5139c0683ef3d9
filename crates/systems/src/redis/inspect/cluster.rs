//! What a node says of itself, and of the cluster that it belongs to.

use redis::aio::MultiplexedConnection;
use redis::cmd;

/// What INFO says (<https://redis.io/docs/latest/commands/info/>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// `7.0.15`.
    pub version: Option<String>,
    /// `master` or `slave`.
    pub role: Option<String>,
    /// Identity of the running server.
    pub run_id: Option<String>,
    /// Is it a node of a Redis Cluster?
    pub cluster: bool,
    /// Keys of the database that was asked for, and how many of them have a TTL.
    pub keys: (u64, u64),
}

impl Info {
    /// Reads the answer, for this database.
    pub fn read(text: &str, database: i64) -> Self {
        let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|said| said.trim().to_owned());
        // `db0:keys=7,expires=3,avg_ttl=59988`; an empty database has no line.
        let keyspace = of(&format!("db{database}:")).unwrap_or_default();
        let count = |name: &str| {
            let digits = keyspace.split(',').find_map(|part| part.strip_prefix(name));
            digits.and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
        };
        Self {
            version: of("redis_version:"),
            role: of("role:"),
            run_id: of("run_id:"),
            cluster: of("redis_mode:").as_deref() == Some("cluster"),
            keys: (count("keys="), count("expires=")),
        }
    }

    /// Is it a copy of another server?
    pub fn replica(&self) -> bool {
        self.role.as_deref() == Some("slave")
    }

    /// Version, role and database in words.
    pub fn said(&self, database: i64) -> Option<String> {
        let replica = if self.replica() { " (a replica: it may be behind its master)" } else { "" };
        let mode = if self.cluster { ", node of a Redis Cluster".to_owned() } else { format!(", database {database}") };
        Some(format!("Redis {}, {}{replica}{mode}", self.version.as_ref()?, self.role.as_ref()?))
    }
}

/// How many masters of the cluster have slots; `None` where this user may not ask
/// (<https://redis.io/docs/latest/commands/cluster-nodes/>).
pub async fn masters(connection: &mut MultiplexedConnection) -> Option<usize> {
    let nodes: String = cmd("CLUSTER").arg("NODES").query_async(connection).await.ok()?;
    Some(with_slots(&nodes))
}

/// Lines are `id address flags master ping pong epoch link slot...`.
fn with_slots(nodes: &str) -> usize {
    let serves = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 8 && fields[2].split(',').any(|flag| flag == "master")
    };
    nodes.lines().filter(serves).count()
}

/// Which part of a cluster was looked at.
pub fn coverage(asked: usize, masters: Option<usize>) -> String {
    match masters {
        Some(all) if asked >= all => {
            format!("a Redis Cluster: each lock is held on one of its {all} masters, and all of them were asked")
        }
        Some(all) => format!(
            "a Redis Cluster: only the locks in the slots of {asked} of its {all} masters are seen; give the URL of every \
             master to see all"
        ),
        None => "a Redis Cluster: only the locks in the slots of the masters that were given are seen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Info, coverage, with_slots};

    #[test]
    fn what_a_server_says_of_itself_is_read() {
        let text = "redis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:ab\r\nrole:master\r\n# Keyspace\r\n\
                    db0:keys=7,expires=3,avg_ttl=5\r\ndb12:keys=1,expires=1\r\n";
        let info = Info::read(text, 0);
        assert_eq!(info.said(0).as_deref(), Some("Redis 7.0.15, master, database 0"));
        assert_eq!((info.keys, info.run_id.as_deref(), info.cluster), ((7, 3), Some("ab"), false));
        assert_eq!((Info::read(text, 12).keys, Info::read(text, 1).keys), ((1, 1), (0, 0)));
        assert!(Info::read("redis_mode:cluster\r\nrole:slave\r\n", 0).replica());
    }

    #[test]
    fn masters_with_slots_are_counted_and_the_part_that_was_seen_is_told() {
        let nodes = "a 127.0.0.1:1@11 myself,master - 0 0 1 connected 0-5460\n\
                     b 127.0.0.1:2@12 master - 0 1 2 connected 5461-16383 [93-<-c]\n\
                     c 127.0.0.1:3@13 slave a 0 1 2 connected\n\
                     d 127.0.0.1:4@14 master - 0 1 2 connected\n";
        assert_eq!(with_slots(nodes), 2);
        assert!(coverage(1, Some(2)).contains("1 of its 2 masters"));
        assert!(coverage(2, Some(2)).contains("all of them were asked"));
    }
}
