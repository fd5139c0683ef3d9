//! Posts changes as JSON to a receiver of the user's, from a thread of its own: no other
//! thread waits for it. Its URL may be a secret, so no message shows more than its host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::warn;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error};

use super::MONITOR;
use crate::cli::Failure;
use lockbench_report::monitor::{Change, Sent, StatusVersion};

/// Messages that may wait; more are lost, and counted.
const QUEUE: usize = 64;
/// Longest wait for the receiver, with connecting.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Waits between the tries of one message.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];
/// At the end so long at most for what still waits.
const FAREWELL: Duration = Duration::from_secs(6);

/// A redirect is not followed: most clients turn the message into a question on the way.
const ELSEWHERE: &str = "if it has moved, give --webhook the URL that it is at now";

/// What the receiver gets. New fields may come; a change of meaning is a new version.
#[derive(Serialize)]
pub struct Message<'a> {
    pub schema_version: StatusVersion,
    pub source: &'static str,
    pub run_id: &'a str,
    pub workload: &'a str,
    #[serde(flatten)]
    pub change: &'a Change,
}

/// The way to the receiver.
pub struct Webhook {
    queue: SyncSender<String>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    queued: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    ending: AtomicBool,
}

impl Webhook {
    /// Opens the way to this URL.
    ///
    /// # Errors
    /// If it is none, or no thread can be had.
    pub fn open(url: &str) -> Result<Self, Failure> {
        let host = host(url)?;
        let agent = agent(url.starts_with("https://"));
        let (queue, waiting) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let (url, mine) = (url.to_owned(), Arc::clone(&shared));
        let post = move || mine.post_all(&agent, &url, &host, &waiting);
        let thread = std::thread::Builder::new().name("webhook".to_owned()).spawn(post).map_err(Failure::internal)?;
        Ok(Self { queue, shared, thread })
    }

    /// Queues a message.
    pub fn send(&self, message: &Message<'_>) {
        let queued = serde_json::to_string(message).is_ok_and(|body| self.queue.try_send(body).is_ok());
        let count = if queued { &self.shared.queued } else { &self.shared.lost };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what became of the messages.
    pub fn sent(&self) -> Sent {
        self.shared.sent()
    }

    /// Posts what is still queued, without long waits.
    pub fn close(self) -> Sent {
        let shared = Arc::clone(&self.shared);
        self.shared.ending.store(true, Ordering::Relaxed);
        drop(self.queue);
        let begin = Instant::now();
        while !self.thread.is_finished() && begin.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(20));
        }
        shared.sent()
    }
}

impl Shared {
    fn sent(&self) -> Sent {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, failed) = (of(&self.sent), of(&self.failed));
        // The thread may be done with a message before it is counted as queued.
        let waiting = of(&self.queued).saturating_sub(sent + failed);
        Sent { sent, failed, lost: of(&self.lost), waiting }
    }

    fn post_all(&self, agent: &Agent, url: &str, host: &str, waiting: &Receiver<String>) {
        for body in waiting {
            match self.post(agent, url, &body) {
                Ok(()) => self.sent.fetch_add(1, Ordering::Relaxed),
                Err(problem) => {
                    // The library's words may quote the URL.
                    let problem = problem.replace(url, host);
                    warn!(target: MONITOR, "the webhook at {host} did not take a message: {problem}");
                    self.failed.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
    }

    fn post(&self, agent: &Agent, url: &str, body: &str) -> Result<(), String> {
        let mut waits = WAITS.into_iter();
        loop {
            let posted = agent.post(url).header("content-type", "application/json").send(body);
            let (problem, again) = match posted.map(|response| response.status()) {
                Ok(status) if status.is_success() => return Ok(()),
                // The place that it names may contain the secret of the URL.
                Ok(status) => (format!("it answered {status}, which takes no message: {ELSEWHERE}"), true),
                Err(error) => (error.to_string(), worth_another(&error)),
            };
            let again = again.then(|| waits.next()).flatten();
            let Some(wait) = again.filter(|_| !self.ending.load(Ordering::Relaxed)) else { return Err(problem) };
            let begin = Instant::now();
            while begin.elapsed() < wait && !self.ending.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// A receiver that understood and refused does so again.
fn worth_another(error: &Error) -> bool {
    match error {
        Error::StatusCode(code) => *code >= 500 || matches!(code, 408 | 429),
        _ => true,
    }
}

/// Scheme and host of a URL.
fn host(url: &str) -> Result<String, Failure> {
    let wrong =
        |problem: &str| Failure::usage(format!("--webhook: {problem}; write http://HOST[:PORT]/PATH or https://..."));
    let uri: ureq::http::Uri = url.parse().map_err(|_| wrong("it is no URL"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some(scheme @ ("http" | "https")), Some(host)) if !host.is_empty() => Ok(format!("{scheme}://{host}")),
        _ => Err(wrong("it is no URL of a web server")),
    }
}

/// TLS by the provider that Redis and Postgres use, and the machine's trust store.
fn agent(tls: bool) -> Agent {
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
    if !tls {
        return config.build().new_agent();
    }
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<Certificate<'static>> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    config.tls_config(tls).build().new_agent()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::atomic::Ordering;

    use super::{Change, Error, Message, QUEUE, Sent, Shared, StatusVersion, Webhook, agent, host, worth_another};

    #[test]
    fn no_message_shows_more_than_the_host() {
        assert_eq!(host("https://hooks.example/s/SECRET?key=SECRET").unwrap(), "https://hooks.example");
        assert_eq!(host("http://user:SECRET@127.0.0.1:9/x").unwrap(), "http://127.0.0.1");
        for wrong in ["ftp://SECRET@h", "SECRET", "", "http://"] {
            let failure = Webhook::open(wrong).err().unwrap();
            assert!(failure.message.contains("--webhook") && !failure.message.contains("SECRET"));
        }
    }

    #[test]
    fn what_the_receiver_has_not_answered_yet_is_waiting_and_nothing_is_forgotten() {
        // It accepts, by its backlog, and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = Webhook::open(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
        let change = Change::default();
        let message =
            Message { schema_version: StatusVersion, source: "test", run_id: "x", workload: "w", change: &change };
        for _ in 0..3 {
            webhook.send(&message);
        }
        assert_eq!(webhook.sent(), Sent { waiting: 3, ..Sent::default() });
        for _ in 0..QUEUE + 3 {
            webhook.send(&message);
        }
        let sent = webhook.sent();
        assert_eq!((sent.sent + sent.failed + sent.lost + sent.waiting) as usize, QUEUE + 6);
        assert!(sent.lost > 0 && sent.waiting as usize >= QUEUE, "{sent:?}");
    }

    #[test]
    fn a_redirect_is_no_delivery_it_is_told_and_tried_again() {
        let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap();
        let answers = std::thread::spawn(move || {
            let answer = |status: &str| {
                let (mut stream, _) = receiver.accept().unwrap();
                let mut text = Vec::new();
                while !text.ends_with(b"{}") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    text.push(byte[0]);
                }
                let head = format!("HTTP/1.1 {status}\r\nlocation: /SECRET\r\n");
                stream.write_all(format!("{head}content-length: 0\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
            };
            answer("302 Found");
            answer("204 No Content");
            answer("308 Permanent Redirect");
        });
        let (shared, url) = (Shared::default(), format!("http://{address}/"));
        assert_eq!(shared.post(&agent(false), &url, "{}"), Ok(()), "the second try arrived");
        shared.ending.store(true, Ordering::Relaxed);
        let problem = shared.post(&agent(false), &url, "{}").unwrap_err();
        assert!(problem.contains("308") && problem.contains("--webhook") && !problem.contains("SECRET"), "{problem}");
        answers.join().unwrap();
    }

    #[test]
    fn a_refusal_is_not_tried_again() {
        let again = |code| worth_another(&Error::StatusCode(code));
        assert_eq!([400, 403, 404, 408, 429, 500, 503].map(again), [false, false, false, true, true, true, true]);
    }

    #[test]
    fn tls_has_a_provider_and_a_trust_store() {
        // Without a provider the library panics at the first connection; no server listens here.
        assert!(agent(true).get("https://127.0.0.1:1/").call().is_err());
    }
}
