//! The status of a monitor run, and its file.

use std::time::SystemTime;

use super::Alerting;
use crate::cli::monitor::bound_alert::{resident, system};
use crate::cli::monitor::json;
use crate::cli::monitor::webhook::Webhook;
use lockbench_core::units::SECOND;
use lockbench_report::monitor::{Certain, STATUS, Status, StatusVersion, worst_of};
use lockbench_report::{Exit, RunDirectory};

impl Alerting<'_> {
    pub(super) fn write(&mut self, directory: &RunDirectory) {
        self.changed = false;
        let written = json(&self.status())
            .map_err(|failure| failure.message)
            .and_then(|text| directory.write(STATUS, text.as_bytes()).map_err(|error| error.to_string()));
        match written {
            Ok(()) => self.unwritten = false,
            Err(problem) if !self.unwritten => {
                self.unwritten = true;
                self.note("", true, problem);
            }
            Err(_) => {}
        }
    }

    /// The status now.
    pub(super) fn status(&self) -> Status {
        let now = self.context.clock.now();
        let orders = self.context.orders();
        let watched_ns = self.began.elapsed().as_nanos() as u64;
        let (mut systems, mut violated) = (Vec::new(), Vec::new());
        for (place, held) in self.held.iter().enumerate() {
            let watched = self.context.watched(place);
            violated.extend(watched.violated.iter().map(|why| format!("{}: {why}", watched.backend)));
            let Certain { double_grants, token_regressions, .. } = watched.fresh;
            if watched.violated.is_empty() && double_grants + token_regressions > 0 {
                violated.push(format!(
                    "{}: in the round under way: {double_grants} double grants, {token_regressions} token regressions",
                    watched.backend
                ));
            }
            systems.push(system(&watched, held, now, watched_ns));
        }
        let due_s = if self.planned_end { 0 } else { self.context.window_ns.div_ceil(SECOND) };
        let (mut exit, mut reasons) = worst_of(&systems, &violated, due_s);
        if exit != Exit::Violation && !self.broken.is_empty() {
            exit = Exit::Internal;
        }
        reasons.extend(self.broken.iter().cloned());
        let wall = |at: SystemTime| humantime::format_rfc3339_seconds(at).to_string();
        Status {
            schema_version: StatusVersion,
            run_id: self.context.id.clone(),
            workload: orders.plan.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: wall(self.context.started),
            updated_at: wall(SystemTime::now()),
            watched_s: self.began.elapsed().as_secs(),
            rate_per_s: self.context.args.own.rate,
            round_s: self.context.round_ns as f64 / 1e9,
            window_s: self.context.window_ns as f64 / 1e9,
            reloads: self.reloads,
            systems,
            changes: self.changes.iter().cloned().collect(),
            webhook: self.sent.or_else(|| self.webhook.as_ref().map(Webhook::sent)),
            rss_bytes: resident(),
            exit_code: exit.code(),
            reasons,
        }
    }
}
