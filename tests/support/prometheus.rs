//! A real Prometheus of a test, with the configuration that `docker/` provisions: only
//! addresses and intervals are other ones. It is ended by its process id.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::provisioned::yaml;
use super::repository::path;

/// The server; it ends with this.
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    dir: tempfile::TempDir,
}

/// Starts one that scrapes `target` each second; `None` where it is not installed.
pub fn start(target: SocketAddr, features: &[&str]) -> Option<Prometheus> {
    let dir = tempfile::tempdir().unwrap();
    let mut config = yaml("docker/prometheus/prometheus.yml");
    for interval in ["scrape_interval", "scrape_timeout", "evaluation_interval"] {
        config["global"][interval] = "1s".into();
    }
    config["rule_files"] = vec![path("docker/prometheus/rules/*.yml").to_str().unwrap()].into();
    let job = &mut config["scrape_configs"][0];
    assert_eq!(job["job_name"], "lockbench");
    job["static_configs"][0]["targets"] = vec![target.to_string()].into();
    config["scrape_configs"].as_array_mut().unwrap().truncate(1);
    let file = dir.path().join("prometheus.yml");
    std::fs::write(&file, serde_yaml_ng::to_string(&config).unwrap()).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = std::fs::File::create(dir.path().join("log")).unwrap();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(features.iter().map(|feature| format!("--enable-feature={feature}")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let child = command.spawn().ok()?;
    let server = Prometheus { child, address, dir };
    server.eventually("Prometheus is ready", |server| get(server.address, "/-/ready").is_some());
    Some(server)
}

impl Prometheus {
    /// The answer of its API to a path below `/api/v1/`.
    pub fn api(&self, path: &str) -> Value {
        let body = get(self.address, &format!("/api/v1/{path}")).unwrap_or_default();
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body:?}"))
    }

    /// Evaluates an expression now.
    ///
    /// # Errors
    ///
    /// What Prometheus says of it.
    pub fn query(&self, expr: &str) -> Result<Value, String> {
        let answer = self.api(&format!("query?query={}", encoded(expr)));
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"]["result"].clone()),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// Waits for what must come.
    pub fn eventually(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(90);
        while !holds(self) {
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "not within 90 s: {what}; its log:\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A query as Grafana would send it.
pub fn filled(expr: &str) -> String {
    [("$__rate_interval", "20s"), ("$__range", "5m"), ("$backend", ".*"), ("$workload", ".*")]
        .iter()
        .fold(expr.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The body of an answer with status 200 or 400 (a query that is refused).
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    ["200", "400", "422"].contains(&status).then(|| body.to_owned())
}
