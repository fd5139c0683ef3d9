//! `lockbench search`: the highest rate at which each system keeps what is asked of it. Every probe is a run, complete in a
//! directory of its own; which rate comes next, the pure machine of `lockbench_report::search` says.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::args::{FormatChoice, LoadArgs, SearchArgs, overrides};
use super::endpoints::{Endpoints, all_used, named};
use super::execute::execute;
use super::frontend::Frontend;
use super::gates;
use super::job::Job;
use super::select::{Selection, select, workload};
use super::signal::HangUp;
use super::{Failure, print, print_json};
use lockbench_core::units::{exact_duration, parse_duration_ns, three_digits};
use lockbench_core::workload::plan::Arrival;
use lockbench_core::workload::{Plan, Source};
use lockbench_engine::{Gates, run_id};
use lockbench_output::search::{files, text};
use lockbench_report::search::{Probe, Search, SearchResult, Searched, Step, attempts_needed, ruled};
use lockbench_report::sweep::{Sweep, SweepPoint, figures};
use lockbench_report::{Exit, PLAN, Report, RunDirectory, Threshold, worst};
use lockbench_systems::{Entry, Registry};

/// Length of the closed loop that says where to begin.
const FIRST_LOOK: [&str; 3] = ["arrival=closed", "warmup=1s", "duration=3s"];
/// Share of what a closed loop makes at which a search begins: most bounds are kept there.
const BEGIN: f64 = 0.1;
/// Lowest rate that is tried, as a share of where it begins.
const LOWEST: f64 = 0.01;

/// Searches for each system of a workload.
pub fn search(args: &SearchArgs, registry: &Registry) -> Result<u8, Failure> {
    let endpoints = named(&args.load.endpoint)?;
    let frontend = &Frontend::open(&args.load, &endpoints, HangUp::Ends)?;
    let hunt = Hunt::new(args, &endpoints, registry, frontend)?;
    let name = &hunt.plan.name;
    let id = args.load.run_id.clone().unwrap_or_else(|| run_id(&format!("{name}-search"), SystemTime::now()));
    let directory = RunDirectory::create(&args.load.output, &id)?;
    frontend.show(args.load.ui);
    let found = hunt.all(&id);
    if found.is_err() {
        frontend.steer.interrupt.leave_screen();
    }
    frontend.close();
    let (searched, mut codes) = found?;
    codes.extend(frontend.steer.interrupt.exit().map(Exit::code));
    let files = files(&searched).map_err(Failure::internal)?;
    for file in &files {
        directory.write(&file.path, &file.bytes).map_err(Failure::internal)?;
    }
    // The runs have their plans; what a run directory begins with stays empty here.
    std::fs::remove_file(directory.path(PLAN)).map_err(Failure::internal)?;
    let place = directory.complete().map_err(Failure::internal)?;
    match args.load.format.choice {
        FormatChoice::Text => print(&format!("{}\nfiles: {}\n", text(&searched), place.display()))?,
        FormatChoice::Json => {
            let json = files.iter().find(|file| file.path == "search.json").map(|file| file.bytes.as_slice());
            print_json(&String::from_utf8_lossy(json.unwrap_or_default()))?;
        }
    }
    codes.push(searched.exit().code());
    frontend.linger();
    Ok(worst(codes.into_iter()))
}

/// What is searched for.
struct Hunt<'a> {
    args: &'a SearchArgs,
    endpoints: &'a Endpoints,
    registry: &'a Registry,
    frontend: &'a Frontend,
    plan: Plan,
    entries: Vec<&'static Entry>,
    bounds: Vec<Threshold>,
    longest_ns: u64,
}

impl<'a> Hunt<'a> {
    fn new(
        args: &'a SearchArgs,
        endpoints: &'a Endpoints,
        registry: &'a Registry,
        frontend: &'a Frontend,
    ) -> Result<Self, Failure> {
        let load = &args.load;
        for (given, flag) in [
            (load.sweep.is_some(), "--sweep"),
            (load.baseline.is_some(), "--baseline"),
            (load.save_baseline.is_some(), "--save-baseline"),
        ] {
            if given {
                return Err(Failure::usage(format!("{flag} has no place in a search: it compares runs of one rate")));
            }
        }
        let longest =
            parse_duration_ns(&args.longest).map_err(|problem| Failure::usage(format!("--longest: {problem}")))?;
        if !(args.highest > 0.0 && args.highest <= 10_000_000.0) {
            return Err(Failure::usage("--highest: write attempts per second, above 0, up to 10 000 000"));
        }
        let (plan, source) = workload(&args.workload, &sets(load, &[])?, registry)?;
        if !matches!(plan.arrival, Arrival::Closed | Arrival::Constant { .. } | Arrival::Poisson { .. }) {
            return Err(Failure::usage(format!(
                "{}: a search chooses the rate itself: write a constant rate or poisson, or leave it out",
                source.place_of("arrival")
            )));
        }
        if !plan.groups.is_empty() {
            return Err(Failure::usage(format!(
                "{}: a search raises the rate of all clients together: take the groups out",
                source.place_of("groups")
            )));
        }
        let selection = select(&load.backends, &plan, &source, registry)?;
        all_used(endpoints, &selection.entries)?;
        selection.ttls(&plan, &source)?;
        let bounds = bounds(&args.slo)?;
        let longest_ns = longest.max(plan.duration_ns);
        Ok(Self { args, endpoints, registry, frontend, plan, entries: selection.entries, bounds, longest_ns })
    }

    /// Searches for each system, one after the other.
    fn all(&self, id: &str) -> Result<(Searched, Vec<u8>), Failure> {
        let mut searched =
            Searched { workload: self.plan.name.clone(), slo: self.slo(), results: Vec::new(), curve: self.curve() };
        let mut codes = Vec::new();
        for entry in &self.entries {
            if self.frontend.steer.interrupt.came() {
                break;
            }
            let mut points = Vec::new();
            if let Some(result) = self.one(entry, id, &mut points, &mut codes)? {
                searched.results.push(result);
            }
            searched.curve.points.extend(points);
        }
        searched.curve.points.sort_by(|a, b| a.value.total_cmp(&b.value));
        Ok((searched, codes))
    }

    /// `None`: it was interrupted, or the system cannot run.
    fn one(
        &self,
        entry: &'static Entry,
        id: &str,
        points: &mut Vec<SweepPoint>,
        codes: &mut Vec<u8>,
    ) -> Result<Option<SearchResult>, Failure> {
        let say = |text: &str| self.frontend.display.say(&format!("{}: {text}", entry.name));
        let first = FIRST_LOOK.map(str::to_owned).to_vec();
        let look = self.run(entry, &first, format!("{id}-{}-closed", slug(entry.name)), Vec::new())?;
        let peak = look.results.first().and_then(|result| result.throughput_per_s).filter(|rate| *rate > 0.0);
        let Some(peak) = peak else {
            codes.push(look.verdict.exit_code.max(Exit::Inconclusive.code()));
            say(&format!("a closed loop granted nothing: {}", look.verdict.reasons.join("; ")));
            return Ok(None);
        };
        let start = (BEGIN * peak).max(self.least_rate());
        say(&format!("a closed loop makes {}/s: the search begins at {}/s", three_digits(peak), three_digits(start)));
        let mut search = Search::new(start, (LOWEST * start).max(self.least_rate()), self.args.highest);
        let mut runs = Vec::new();
        let finding = loop {
            let rate = match search.step() {
                Step::Probe(_) if self.frontend.steer.interrupt.came() => return Ok(None),
                Step::Probe(rate) => rate,
                Step::Done(finding) => break finding,
            };
            let number = runs.len() as u64 + 1;
            let run = format!("{id}-{}-{number}", slug(entry.name));
            let report = self.run(entry, &self.probe(rate, number), run.clone(), self.bounds.clone())?;
            let (ruling, figure) = ruled(&report, entry.name, &self.bounds);
            say(&format!("probe {number}, {}/s: {}", three_digits(rate), ruling.words()));
            search.observe(ruling, figure);
            runs.push(run.clone());
            points.push(SweepPoint { value: rate, text: three_digits(rate), run_id: run, backends: figures(&report) });
        };
        let probes: Vec<(String, Probe)> = runs.into_iter().zip(search.probes().iter().cloned()).collect();
        Ok(Some(SearchResult { backend: entry.name.to_owned(), finding, unsteady: search.unsteady(), probes }))
    }

    /// Lowest rate of which the longest probe gives enough samples for the percentiles, and some to spare: a fifth of what
    /// is wanted is the least.
    fn least_rate(&self) -> f64 {
        attempts_needed(&self.bounds) / 4.0 / (self.longest_ns as f64 / 1e9)
    }

    /// The overrides of a probe: its rate, a length that gives enough samples, and a seed of its own.
    fn probe(&self, rate: f64, number: u64) -> Vec<String> {
        let needed_ns = (attempts_needed(&self.bounds) / rate * 1e9) as u64;
        let duration_ns = needed_ns.clamp(self.plan.duration_ns, self.longest_ns) / 1_000_000 * 1_000_000;
        let kind = if matches!(self.plan.arrival, Arrival::Poisson { .. }) { "poisson" } else { "constant" };
        vec![
            format!("arrival={{ kind = \"{kind}\", rate = {rate:?} }}"),
            format!("duration={}", exact_duration(duration_ns)),
            format!("seed={}", (self.plan.seed + number) & (i64::MAX as u64)),
        ]
    }

    fn run(
        &self,
        entry: &'static Entry,
        more: &[String],
        run: String,
        bounds: Vec<Threshold>,
    ) -> Result<Report, Failure> {
        let (mut plan, source) = self.read(more)?;
        plan.trials = 1;
        plan.backends = vec![entry.name.to_owned()];
        let selection = Selection { entries: vec![entry], by_name: true };
        let mut gates = gates::read(&plan, &source, &selection, Some(&self.args.load), self.registry)?;
        gates = Gates { thresholds: bounds, ..gates };
        let (endpoints, args, frontend) = (self.endpoints.clone(), &self.args.load, self.frontend);
        let job = Job { plan, source, selection, endpoints, gates, args, run_id: Some(run), frontend };
        Ok(execute(job)?.report)
    }

    fn read(&self, more: &[String]) -> Result<(Plan, Source), Failure> {
        workload(&self.args.workload, &sets(&self.args.load, more)?, self.registry)
    }

    fn slo(&self) -> String {
        self.bounds.iter().map(|bound| bound.text.clone()).collect::<Vec<_>>().join(" and ")
    }

    fn curve(&self) -> Sweep {
        Sweep {
            workload: self.plan.name.clone(),
            key: "arrival.rate".to_owned(),
            duration: false,
            points: Vec::new(),
            knees: BTreeMap::new(),
            incomplete: Vec::new(),
        }
    }
}

/// The overrides of the command line, and more.
fn sets(load: &LoadArgs, more: &[String]) -> Result<Vec<String>, Failure> {
    let mut flags = load.short.given();
    flags.extend(load.seed.map(|seed| ("seed", seed.to_string())));
    let given = overrides(&load.short.sets, &flags)?;
    Ok(given.into_iter().chain(more.iter().cloned()).collect())
}

/// Reads bounds with `and` between them.
fn bounds(text: &str) -> Result<Vec<Threshold>, Failure> {
    let refuse = |problem: String| Failure::usage(format!("--slo {text}: {problem}"));
    let parts = text.split(" and ").map(str::trim).filter(|part| !part.is_empty());
    let bounds = parts.map(|part| Threshold::parse(part, None)).collect::<Result<Vec<_>, _>>().map_err(refuse)?;
    match bounds.iter().find(|bound| !bound.backends.is_empty()) {
        Some(bound) => Err(refuse(format!("\"{}\" names systems: -b says which are searched", bound.text))),
        None if bounds.is_empty() => Err(refuse("there is no bound".to_owned())),
        None => Ok(bounds),
    }
}

/// A name as part of a run id.
fn slug(name: &str) -> String {
    name.replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn bounds_are_read_and_mistakes_are_named() {
        assert_eq!(bounds("acquire_response.p99 < 50ms and double_grants == 0").unwrap().len(), 2);
        for (wrong, told) in [
            ("p99 < 50", "--slo p99 < 50"),
            (" ", "there is no bound"),
            ("timeouts{redis} <= 1%", "names systems"),
            ("speed > 1", "speed"),
        ] {
            let message = bounds(wrong).unwrap_err().message;
            assert!(message.contains(told), "{message}");
        }
    }
}
