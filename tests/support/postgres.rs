//! What may stand between a client and the PostgreSQL server that it means: a pooler in
//! transaction mode, and a hot standby. Both end with the value.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lockbench::lock::Endpoint;
use lockbench::stack::Search;

/// A pooler in transaction mode with one session of the server: each client has it from a
/// statement's begin to the server's next "ready, no transaction"
/// (<https://www.postgresql.org/docs/15/protocol-flow.html>). It ends with the process.
pub struct Pooler {
    port: u16,
}

/// Kind and whole bytes of a message.
type Message = (u8, Vec<u8>);

impl Pooler {
    pub fn before(server: &Endpoint) -> Self {
        let session = Arc::new(Mutex::new(session(server).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let session = Arc::clone(&session);
                // A client that goes away ends its thread.
                std::thread::spawn(move || serve(client, &session));
            }
        });
        Self { port }
    }

    /// `--endpoint` of it.
    pub fn endpoint(&self) -> String {
        format!("postgres=postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// A session of the server, logged in.
fn session(server: &Endpoint) -> io::Result<TcpStream> {
    let (user, password) = server.credentials().unwrap();
    let mut stream = TcpStream::connect(server.host_port())?;
    // Messages are passed on one by one: held back until the last is acknowledged, one statement took 176 ms,
    // longer than the holds that must overlap.
    stream.set_nodelay(true)?;
    let mut body = vec![0, 3, 0, 0];
    body.extend_from_slice(format!("user\0{user}\0database\0postgres\0\0").as_bytes());
    stream.write_all(&framed(None, &body))?;
    loop {
        let (kind, bytes) = message(&mut stream)?;
        match (kind, &bytes[5..]) {
            (b'Z', _) => return Ok(stream),
            (b'R', [0, 0, 0, 3]) => stream.write_all(&framed(Some(b'p'), format!("{password}\0").as_bytes()))?,
            (b'E', fields) => return Err(io::Error::other(String::from_utf8_lossy(fields).into_owned())),
            _ => {}
        }
    }
}

fn serve(mut client: TcpStream, session: &Mutex<TcpStream>) -> io::Result<()> {
    client.set_nodelay(true)?;
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        client.read_exact(&mut body)?;
        match body[..4] {
            [0, 3, 0, 0] => break,
            // SSLRequest: no.
            [4, 210, 22, 47] => client.write_all(b"N")?,
            // CancelRequest, or what nobody sends.
            _ => return Ok(()),
        }
    }
    client.write_all(&[framed(Some(b'R'), &[0; 4]), framed(Some(b'K'), &[0; 8]), framed(Some(b'Z'), b"I")].concat())?;
    loop {
        let mut next = message(&mut client)?;
        let mut server = session.lock().unwrap();
        loop {
            if next.0 == b'X' {
                return Ok(());
            }
            server.write_all(&next.1)?;
            // Only these are answered by "ready".
            if matches!(next.0, b'S' | b'Q') && ready(&mut server, &mut client)? {
                break;
            }
            next = message(&mut client)?;
        }
    }
}

/// Passes answers on until the server is ready. Is no transaction open?
fn ready(server: &mut TcpStream, client: &mut TcpStream) -> io::Result<bool> {
    loop {
        let (kind, bytes) = message(server)?;
        // A client that went away is no reason to leave answers to the next one.
        let _ = client.write_all(&bytes);
        if kind == b'Z' {
            return Ok(bytes[5] == b'I');
        }
    }
}

fn message(stream: &mut TcpStream) -> io::Result<Message> {
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut bytes = head.to_vec();
    bytes.resize(length + 1, 0);
    stream.read_exact(&mut bytes[5..])?;
    Ok((head[0], bytes))
}

/// Kind (none for a startup), length including itself, body.
fn framed(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    kind.into_iter().chain(length.to_be_bytes()).chain(body.iter().copied()).collect()
}

/// A hot standby of a server of the local stack.
pub struct Standby {
    process: Child,
    port: u16,
    user: String,
    password: String,
    _directory: tempfile::TempDir,
}

impl Standby {
    /// Copies the server and follows it.
    pub fn of(server: &Endpoint) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let owner = owner();
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        let (user, password) = server.credentials().unwrap();
        let (host, from) = server.host_port().split_once(':').unwrap();
        let mut copy = Command::new(program("pg_basebackup"));
        copy.args(["-h", host, "-p", from, "-U", &user, "-R", "-X", "stream", "-c", "fast", "-D"]).arg(&data);
        copy.env("PGPASSWORD", &password);
        assert!(as_user(&mut copy, owner).status().unwrap().success(), "pg_basebackup failed");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program("postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        // Not fewer than the primary has.
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=1100"]);
        let log = File::create(directory.path().join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let process = as_user(&mut command, owner).spawn().unwrap();
        let standby = Self { process, port, user, password, _directory: directory };
        let (begin, url) = (Instant::now(), Endpoint::new(standby.url()));
        while let Err(error) = session(&url) {
            assert!(begin.elapsed() < Duration::from_secs(30), "the standby does not answer: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
        standby
    }

    fn url(&self) -> String {
        format!("postgres://{}:{}@127.0.0.1:{}/postgres", self.user, self.password, self.port)
    }

    /// `--endpoint` of it.
    pub fn endpoint(&self) -> String {
        format!("postgres={}", self.url())
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        // SIGQUIT: at once, its children too.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.process.wait();
    }
}

/// Beside the server that the stack starts.
fn program(name: &str) -> PathBuf {
    let lockbench::stack::Probe::Found { binary, .. } = Search::from_env().probe(lockbench::backend::postgres::KIND)
    else {
        panic!("no postgres")
    };
    // A link in PATH leads to where the others are.
    binary.canonicalize().unwrap().with_file_name(name)
}

/// PostgreSQL does not run as root: user and group of its own, by passwd(5).
fn owner() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

fn as_user(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command.stdin(Stdio::null())
}
