//! How fast the crate rslock locks with nothing around it: clients with a lock manager each, two threads with a runtime each, as
//! lockbench has them. A peer for `parity.py`, not a test.
//!
//! `cargo bench --bench rslock -- redis://HOST:PORT[,redis://...] SECONDS CLIENTS distinct|hot RETRY_MS`
//!
//! Prints grants per second, wait p50 and p99 in microseconds, and Jain's index of the grants per client, as JSON.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use rslock::LockManager;

const THREADS: usize = 2;
const TTL: Duration = Duration::from_secs(10);

struct Asked {
    urls: Vec<String>,
    seconds: u64,
    clients: usize,
    hot: bool,
    retry: Duration,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [urls, seconds, clients, keys, retry_ms] = arguments.as_slice() else {
        eprintln!("usage: rslock URL[,URL...] SECONDS CLIENTS distinct|hot RETRY_MS  (nothing measured)");
        return ExitCode::SUCCESS;
    };
    let (Ok(seconds), Ok(clients), Ok(retry_ms)) = (seconds.parse(), clients.parse(), retry_ms.parse()) else {
        eprintln!("SECONDS, CLIENTS and RETRY_MS are numbers");
        return ExitCode::FAILURE;
    };
    let urls = urls.split(',').map(str::to_owned).collect();
    let asked = Asked { urls, seconds, clients, hot: keys == "hot", retry: Duration::from_millis(retry_ms) };
    let of_clients: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                scope.spawn({
                    let asked = &asked;
                    move || work(asked, worker)
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    tell(&asked, of_clients);
    ExitCode::SUCCESS
}

fn tell(asked: &Asked, of_clients: Vec<Vec<u64>>) {
    let counts: Vec<f64> = of_clients.iter().map(|waits| waits.len() as f64).collect();
    let (sum, squares) = (counts.iter().sum::<f64>(), counts.iter().map(|count| count * count).sum::<f64>());
    let mut waits: Vec<u64> = of_clients.into_iter().flatten().collect();
    waits.sort_unstable();
    let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).map_or(0.0, |ns| *ns as f64 / 1e3);
    println!(
        "{{\"grants_per_s\": {:.0}, \"p50_us\": {:.1}, \"p99_us\": {:.1}, \"jain\": {:.3}}}",
        sum / asked.seconds as f64,
        at(0.5),
        at(0.99),
        sum * sum / (counts.len() as f64 * squares.max(1.0)),
    );
}

/// The waits of the clients of one thread.
fn work(asked: &Asked, worker: usize) -> Vec<Vec<u64>> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let until = Instant::now() + Duration::from_secs(asked.seconds);
        let clients: Vec<_> = (worker..asked.clients)
            .step_by(THREADS)
            .map(|client| {
                let mut manager = LockManager::new(asked.urls.clone());
                manager.set_retry(u32::MAX, asked.retry);
                let key = if asked.hot { "rslock-hot".to_owned() } else { format!("rslock-{client}") };
                tokio::task::spawn_local(async move {
                    let mut waits = Vec::new();
                    while Instant::now() < until {
                        let asked = Instant::now();
                        let Ok(lock) = manager.lock(key.as_bytes(), TTL).await else { continue };
                        waits.push(asked.elapsed().as_nanos() as u64);
                        manager.unlock(&lock).await;
                    }
                    waits
                })
            })
            .collect();
        let mut all = Vec::new();
        for client in clients {
            all.push(client.await.unwrap_or_default());
        }
        all
    })
}
