//! A redis-server of a test's own, which it may stop, stall, kill and restart.
//! Ends with the value, whatever the test does.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support;
use lockbench::lock::Endpoint;
use rustix::process::{Pid, Signal, kill_process};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub struct RedisServer {
    child: Child,
    arguments: Vec<String>,
    pub port: u16,
    /// Its data and log; removed with it.
    pub directory: tempfile::TempDir,
}

impl RedisServer {
    /// Starts one with further arguments, or says why not.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        if !support::live("and this test starts a redis-server") {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut all: Vec<String> = vec!["--port".to_owned(), port.to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Self::launch(all, port, directory)
    }

    /// Starts one that speaks TLS only, with a certificate for `localhost` from an
    /// authority of its own (`ca.crt` in its directory).
    pub fn start_tls() -> Option<Self> {
        if !support::live("and this test starts a redis-server") {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        if !certificates(directory.path()) {
            support::skip("openssl could not make certificates");
            return None;
        }
        let port = free_port();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let all = ["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"]
            .map(str::to_owned)
            .into_iter()
            .chain(["--tls-cert-file".to_owned(), file("server.crt"), "--tls-key-file".to_owned(), file("server.key")])
            .chain(["--tls-ca-cert-file".to_owned(), file("ca.crt")])
            .collect();
        Self::launch(all, port, directory)
    }

    fn launch(arguments: Vec<String>, port: u16, directory: tempfile::TempDir) -> Option<Self> {
        match spawn(&arguments, directory.path()) {
            Ok(child) => {
                let mut server = Self { child, arguments, port, directory };
                server.wait().then_some(server)
            }
            Err(error) => {
                support::skip(&format!("redis-server: {error}"));
                None
            }
        }
    }

    fn wait(&mut self) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            if let Ok(Some(_)) = self.child.try_wait() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        support::skip(&format!("redis-server did not come up:\n{log}"));
        false
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::new(format!("redis://127.0.0.1:{}", self.port))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stalls it: its kernel still accepts and acknowledges.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, without its data.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.arguments, self.directory.path()).unwrap();
        assert!(self.wait());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[String], directory: &Path) -> std::io::Result<Child> {
    let log = File::create(directory.join("log"))?;
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// An authority and a certificate for `localhost` by it.
fn certificates(directory: &Path) -> bool {
    std::fs::write(directory.join("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    let openssl = |line: &str| {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(directory).output();
        done.is_ok_and(|output| output.status.success())
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=test-authority -days 2")
        && openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost")
        && openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile san",
        )
}
