//! `lockbench monitor`: a canary that stays on. One thread per system runs round after
//! round (`rounds`), each a short trial with the engine, the oracle and the figures of
//! every other trial; what is kept of it are rolling windows of fixed size. This thread
//! (`alerting`) compares them with the bounds once per second and reports what changed.
//!
//! A round is no [`lockbench_engine::run`]: that call starts and stops servers, reads the facts of
//! every system anew, measures its own overhead and writes a run directory. A round keeps the
//! servers, the facts and the namespace of the rounds before it, has attempts at fixed
//! due instants, is observed event by event, and leaves no file unless it has a violation.

mod alerting;
mod backoff;
mod between;
mod bound_alert;
mod lines;
mod monitor_context;
mod nodes;
mod orders;
mod round_observer;
mod rounds;
mod screen;
mod turned;
mod watched_system;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{info, warn};

use self::alerting::Alerting;
use self::monitor_context::MonitorContext;
use self::orders::Orders;
use self::webhook::Webhook;
use super::args::{FormatChoice, MonitorArgs};
use super::endpoints::named;
use super::frontend::Frontend;
use super::signal::HangUp;
use super::{Failure, print, print_json};
use lockbench_core::clock::Clock;
use lockbench_core::workload::to_toml;
use lockbench_engine::{Clusters, Servers, namespace, run_id};
use lockbench_output::{monitor_text, shell_line};
use lockbench_report::monitor::{STATUS, Status, kept_in};
use lockbench_report::{Exit, RunDirectory};
use lockbench_systems::Registry;

/// Target of log lines about a monitor run.
const MONITOR: &str = "lockbench::monitor";
/// Bytes of `run.log` before it begins anew; the one before stays.
const LOG_LIMIT: u64 = 8 << 20;

/// Runs rounds until a signal.
pub fn monitor(args: &MonitorArgs, registry: &Registry) -> Result<u8, Failure> {
    if let Some(flag) = &args.foreign {
        return Err(Failure::usage(format!("{flag} means nothing to a monitor, which has no end: leave it out")));
    }
    let endpoints = named(&args.load.endpoint)?;
    let orders = Orders::read(args, &endpoints, registry)?;
    let webhook = args.own.webhook.as_deref().map(Webhook::open).transpose()?;
    let frontend = &Frontend::open(&args.load, &endpoints, HangUp::Reloads)?;
    let started = SystemTime::now();
    let id = args.load.run_id.clone().unwrap_or_else(|| run_id(&format!("monitor-{}", orders.plan.name), started));
    let directory = RunDirectory::create(&args.load.output, &id)?;
    directory.write("plan.toml", to_toml(&orders.plan).as_bytes())?;
    let begin = json(&nothing_yet(&id, &orders.plan.name, started))?;
    directory.write(STATUS, begin.as_bytes())?;
    frontend.log.write_to(&directory.path(""), LOG_LIMIT).map_err(Failure::internal)?;
    info!(target: MONITOR, "monitor run {id}: workload {}, systems {}", orders.plan.name, orders.selection.names().join(", "));
    if let Some(board) = &frontend.board {
        board.run(&id, &orders.plan.name, "monitor");
    }
    let screen = screen::wanted(args.load.ui);
    if let Some(scraped) = &frontend.scraped {
        info!(target: MONITOR, "{}", scraped.address_line());
    }
    if !screen {
        lines::begins(args.load.ui, &orders, args);
    }
    frontend.announce_metrics();
    for warning in &orders.warnings {
        warn!(target: MONITOR, "{warning}");
        frontend.display.insist(&format!("warning: {warning}"));
    }
    let stop = frontend.steer.interrupt.stop.clone();
    let source = args.load.servers(endpoints.clone(), &stop);
    let servers = Servers::prepare(&orders.selection.entries, &source, &Clusters::of(&orders.plan, None), frontend);
    // A user who means to monitor one service must see it if another one is used.
    for origin in servers.origins().into_iter().chain(servers.started()) {
        warn!(target: MONITOR, "{origin}");
        frontend.display.insist(&origin);
    }
    frontend.log.keep_secret(servers.all_endpoints().iter());
    let clock = Clock::monotonic();
    let context = MonitorContext {
        args,
        endpoints: &endpoints,
        frontend,
        servers: &servers,
        registry,
        stop,
        clock,
        namespace: namespace(&id, started),
        id,
        started,
        directory: directory.path(""),
        stored_as: directory.final_path().to_owned(),
        watched: orders
            .selection
            .entries
            .iter()
            .map(|entry| watched_system::WatchedSystem::shared(entry.name, clock.now()))
            .collect(),
        orders: std::sync::Mutex::new(Arc::new(orders)),
        every_ns: (1e9 / args.own.rate) as u64,
        window_ns: args.own.window.as_nanos() as u64,
        round_ns: args.own.round.as_nanos() as u64,
    };
    let mut alerting = Alerting::open(&context, webhook, screen);
    alerting.run(&directory);
    let (status, stored) = alerting.close(&directory);
    let reasons = status.reasons.clone();
    drop(context);
    servers.stop(frontend);
    reasons.iter().for_each(|reason| info!(target: MONITOR, "{reason}"));
    info!(target: MONITOR, "the monitor run ends with exit code {}", status.exit_code);
    frontend.log.close();
    // A directory without its status keeps the name of a partial one.
    let partial = directory.path("");
    let place = if stored { directory.complete()? } else { partial };
    frontend.close();
    match args.load.format.choice {
        FormatChoice::Json => drop(print_json(&json(&status)?)?),
        FormatChoice::Text => {
            print(&format!("{}files: {}\n{}", monitor_text(&status), place.display(), hint(&place, &status)))?
        }
    }
    // A signal is the end of that, too.
    frontend.linger();
    Ok(status.exit_code)
}

/// The status before the first round: from the first moment on `ls` and `show` recognise the
/// directory as that of a monitor run.
fn nothing_yet(id: &str, workload: &str, started: SystemTime) -> Status {
    let wall = humantime::format_rfc3339_seconds(started).to_string();
    Status {
        run_id: id.to_owned(),
        workload: workload.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: wall.clone(),
        updated_at: wall,
        exit_code: Exit::Inconclusive.code(),
        reasons: vec!["nothing was asked yet".to_owned()],
        ..Status::default()
    }
}

/// What can be looked at, where a lock was granted twice.
fn hint(place: &Path, status: &Status) -> String {
    let doubles = status.systems.iter().any(|system| system.violations.double_grants > 0);
    match kept_in(place) {
        Ok(kept) if kept.is_empty() => String::new(),
        Ok(_) if doubles => format!("the first double grant in full: {}\n", explaining(place, true)),
        Ok(_) => format!("the rounds with a violation judged again: {}\n", explaining(place, false)),
        Err(_) => String::new(),
    }
}

/// The command that explains the first double grant of a monitor run, or of a kept round; where
/// only tokens went back, the one that judges again.
fn explaining(place: &Path, doubles: bool) -> String {
    let place = place.display().to_string();
    match doubles {
        true => shell_line(&["lockbench", "explain", &place, "1"].map(str::to_owned)),
        false => shell_line(&["lockbench", "verify", &place].map(str::to_owned)),
    }
}

fn json(status: &Status) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(status).map_err(Failure::internal)?;
    Ok(text + "\n")
}
