//! Another user of a server: what they keep there, some of it under names near ours, and what
//! they see of ours.

use etcd_client::GetOptions;
use lockbench::backend::{ServerKind, etcd, postgres, redis as one_redis, redlock, sentinel, zookeeper};
use lockbench::lock::Endpoint;
use zookeeper_client::{Acls, CreateMode};

pub struct Stranger {
    server: Server,
    namespace: String,
}

/// Connections to it.
#[allow(clippy::large_enum_variant)] // one at a time
enum Server {
    Redis(Vec<redis::Client>),
    Etcd(etcd_client::Client),
    Zookeeper(zookeeper_client::Client),
    Postgres(tokio_postgres::Client),
}

impl Stranger {
    /// Puts something on the server: beside our namespace and far from it.
    pub async fn arrives(kind: ServerKind, endpoints: &[Endpoint], namespace: &str) -> Self {
        let server = if kind == one_redis::KIND || kind == redlock::KIND {
            Server::Redis(
                endpoints.iter().map(|endpoint| redis::Client::open(endpoint.secret_url()).unwrap()).collect(),
            )
        } else if kind == sentinel::KIND {
            // Where the Sentinels have promoted nobody the first leads, and its replicas have the same.
            Server::Redis(vec![redis::Client::open(endpoints[0].secret_url()).unwrap()])
        } else if kind == etcd::KIND {
            Server::Etcd(etcd_client::Client::connect([endpoints[0].host_port()], None).await.unwrap())
        } else if kind == zookeeper::KIND {
            Server::Zookeeper(zookeeper_client::Client::connect(endpoints[0].host_port()).await.unwrap())
        } else if kind == postgres::KIND {
            let (client, driver) =
                tokio_postgres::connect(endpoints[0].secret_url(), tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(driver);
            Server::Postgres(client)
        } else {
            panic!("{kind}: what would another user keep there?")
        };
        let stranger = Self { server, namespace: namespace.to_owned() };
        let names = stranger.names();
        match &stranger.server {
            Server::Redis(nodes) => {
                for (node, name) in nodes.iter().flat_map(|node| names.iter().map(move |name| (node, name))) {
                    let () = redis::cmd("SET").arg(name).arg("theirs").query(&mut node.clone()).unwrap();
                }
            }
            Server::Etcd(client) => {
                for name in names {
                    client.clone().put(name, "theirs", None).await.unwrap();
                }
            }
            Server::Zookeeper(client) => {
                let lasting = CreateMode::Persistent.with_acls(Acls::anyone_all());
                for name in names {
                    client.create(&name, b"theirs", &lasting).await.unwrap();
                }
            }
            Server::Postgres(client) => {
                for name in names {
                    let sql = format!(
                        "create schema \"{name}\"; create table \"{name}\".leases (key text primary key, owner text); \
                         insert into \"{name}\".leases values ('k', 'theirs'); \
                         select pg_advisory_lock(hashtextextended('{name}', 0))"
                    );
                    client.batch_execute(&sql).await.unwrap();
                }
            }
        }
        stranger
    }

    /// What they keep things under.
    fn names(&self) -> [String; 2] {
        let namespace = &self.namespace;
        match self.server {
            Server::Redis(_) => {
                [format!("lockbench:{{{namespace}x:hot}}:lock"), format!("{{somebody-{namespace}}}:lock")]
            }
            Server::Etcd(_) => [format!("lockbench-{namespace}x/k/1"), format!("foreign-{namespace}")],
            Server::Zookeeper(_) => [format!("/lockbench-{namespace}x"), format!("/foreign-{namespace}")],
            Server::Postgres(_) => [format!("lockbench_{namespace}x"), format!("foreign-{namespace}")],
        }
    }

    /// Everything of theirs, as it is now.
    pub async fn theirs(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for name in self.names() {
            match &self.server {
                Server::Redis(nodes) => {
                    for node in nodes {
                        let value: Option<String> = redis::cmd("GET").arg(&name).query(&mut node.clone()).unwrap();
                        seen.extend(value.map(|value| format!("{name} = {value}")));
                    }
                }
                Server::Etcd(client) => {
                    let found = client.clone().get(name, None).await.unwrap();
                    seen.extend(found.kvs().iter().map(|kv| format!("{kv:?}")));
                }
                Server::Zookeeper(client) => {
                    let found = client.get_data(&name).await.unwrap();
                    seen.push(format!("{name} = {found:?}"));
                }
                Server::Postgres(client) => {
                    let sql = format!(
                        "select owner, (select count(*) from pg_locks where locktype = 'advisory' and granted \
                         and pid = pg_backend_pid()) from \"{name}\".leases where key = 'k'"
                    );
                    let row = client.query_one(&sql, &[]).await.unwrap();
                    seen.push(format!("{name} = {}, {} locks", row.get::<_, &str>(0), row.get::<_, i64>(1)));
                }
            }
        }
        seen
    }

    /// Names of what is ours on the server.
    pub async fn ours(&self) -> Vec<String> {
        let namespace = &self.namespace;
        match &self.server {
            Server::Redis(nodes) => {
                let keys = |node: &redis::Client| -> Vec<String> {
                    redis::cmd("KEYS").arg(format!("*{{{namespace}:*")).query(&mut node.clone()).unwrap()
                };
                nodes.iter().flat_map(keys).collect()
            }
            Server::Etcd(client) => {
                let options = GetOptions::new().with_prefix().with_keys_only();
                let found = client.clone().get(format!("lockbench-{namespace}/"), Some(options)).await.unwrap();
                found.kvs().iter().map(|kv| kv.key_str().unwrap().to_owned()).collect()
            }
            Server::Zookeeper(client) => {
                let path = format!("/lockbench-{namespace}");
                if client.check_stat(&path).await.unwrap().is_none() {
                    return Vec::new();
                }
                let below = client.list_children(&path).await.unwrap();
                below.into_iter().chain([path]).collect()
            }
            Server::Postgres(client) => {
                let sql = "select nspname::text from pg_namespace where nspname = $1::text union all \
                           select application_name from pg_locks join pg_stat_activity using (pid) \
                           where locktype = 'advisory' and split_part(application_name, ' of ', 2) = left($2::text, 16)";
                let rows = client.query(sql, &[&format!("lockbench_{namespace}"), namespace]).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Takes everything of theirs away.
    pub async fn leaves(self) {
        for name in self.names() {
            match &self.server {
                Server::Redis(nodes) => {
                    for node in nodes {
                        let () = redis::cmd("DEL").arg(&name).query(&mut node.clone()).unwrap();
                    }
                }
                Server::Etcd(client) => drop(client.clone().delete(name, None).await.unwrap()),
                Server::Zookeeper(client) => client.delete(&name, None).await.unwrap(),
                Server::Postgres(client) => {
                    client.batch_execute(&format!("drop schema \"{name}\" cascade")).await.unwrap();
                }
            }
        }
    }
}
