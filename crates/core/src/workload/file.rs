//! A workload as typed, turned into its validated [`Plan`]: one entry in
//! [`ROOT`] and one line in [`plan`] for each key of the top level.

use super::access::{self, ACCESS};
use super::arrival::{Arrival, arrival, unfit};
use super::cursor::{Cursor, Report};
use super::document::{Table, Value};
use super::dynamic_ttl::ttl;
use super::fault::{PlannedFault, faults};
use super::groups::{Beside, Group, groups};
use super::item::Item;
use super::kinds::{ACQUIRE, HISTORY, KEYS, RETRY, span};
use super::locks::{LOCKS, fitting};
use super::options::{OptionTable, SystemOptions};
use super::plan::{
    BelowFloor, BreachLevel, Breaker, Expectation, FindingLevel, Plan, PlannedLint, PlannedThreshold, Prices,
    RenewalPolicy, Span, Truth,
};
use super::scenario::{CONDITIONS, scenario, words};
use super::schema::Field;
use super::section::SECTION;
use super::spread::{MOST_PROCESSES, PER_GROUP, Spread, spread};
use super::tagged::tagged;

/// Most clients: each has a connection, and a host has 65 535 ports.
const MOST_CLIENTS: u32 = 65_535;
/// Most worker processes.
/// Most repetitions.
const MOST_TRIALS: u32 = 10_000;
/// Largest seed: TOML's largest integer, so that a stored plan can be read by any tool.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Keys of the top level, in the order in which a plan is written. Those of the systems ([`super::options`]) stand
/// before the last.
pub(super) static ROOT: &[Field] = &[
    Field::optional("name", "text", "name of the workload; without it the file's name"),
    Field::default("question", "text", "\"\"", "the question that it answers, one sentence"),
    Field::required(
        "clients",
        "whole number",
        "clients at the same time, 1 to 65 535, each with an identity of its own",
    ),
    Field::optional(
        "processes",
        "whole number, or \"per-group\"",
        "processes that the clients are spread over, one for each group of them with \"per-group\"; without it threads, \
         and with a fault of a client a process for each client",
    ),
    Field::default(
        "groups",
        "list of tables",
        "[]",
        "clients that behave otherwise than the others: each group has a name, a number of clients, and keys, hold, arrival, \
         think and acquire of its own where it says so",
    ),
    Field::default("keys", "kind", "\"single\"", "which keys are locked"),
    Field::default(
        "locks",
        "kind",
        "\"one\"",
        "how many locks an attempt takes, and in which order: with several it is a transaction",
    ),
    Field::default(
        "access",
        "kind",
        "\"exclusive\"",
        "what attempts ask for: a lock of their own, one that readers share, or a permit of a semaphore",
    ),
    Field::default("critical_section", "kind", "\"counter\"", "what clients do under the lock, and what harm is there"),
    Field::default("hold", "duration or kind", "\"1ms\"", "how long a grant is held"),
    Field::default(
        "arrival",
        "kind",
        "\"closed\"",
        "when attempts are due: when a client is free, or by the clock; a table without a kind is of a constant rate",
    ),
    Field::default(
        "think",
        "duration or kind",
        "\"0s\"",
        "pause between an attempt's end and the next; not where the clock says when attempts are due",
    ),
    Field::default("ttl", "duration or kind", "\"10s\"", "lease length asked for"),
    Field::default(
        "ttl_below_floor",
        "text",
        "\"refuse\"",
        "a ttl below a system's floor: `\"refuse\"` the plan, or `\"raise\"` it for that system and mark its row",
    ),
    Field::default(
        "renewal",
        "text or duration",
        "\"off\"",
        "renew leases during a hold: `\"off\"`, `\"on\"` (every third of the ttl) or every so often",
    ),
    Field::default("acquire", "mode", "{ mode = \"wait\", timeout = \"10s\" }", "wait for a held lock, or try once"),
    Field::default(
        "retry",
        "kind",
        "{ kind = \"jitter\", base = \"1ms\", max = \"20ms\" }",
        "delay between tries of systems that wait by polling",
    ),
    Field::optional(
        "breaker",
        "table",
        "a circuit breaker per client, as in `{ after = 5, pause = \"500ms\" }`: after so many attempts in a row without a lock \
         it does not ask for so long; not where the clock says when attempts are due",
    ),
    Field::default("request_timeout", "duration", "\"5s\"", "longest wait for one answer of a server"),
    Field::default("backends", "list of text", "[]", "lock systems to compare; empty: those of `lockbench quick`"),
    Field::default("warmup", "duration", "\"2s\"", "time before measuring starts"),
    Field::default("duration", "duration", "\"10s\"", "measured time of each trial"),
    Field::default("trials", "whole number", "1", "repetitions of each system"),
    Field::default("seed", "whole number", "1", "seed of every random choice"),
    Field::default(
        "expect",
        "list of text",
        "[]",
        "double grants that are no failure here: `\"outside\"` (the lease had lawfully lapsed), `\"withdrawn\"` (the \
         service took the lock back early and said so); never those that the server itself admits",
    ),
    Field::default(
        "thresholds",
        "list of text or table",
        "[]",
        "bounds on figures, such as `\"acquire_service.p99 < 20ms\"`: a breach is exit code 99; or \
         `{ text = \"...\", level = \"warn\" }` if it is only told",
    ),
    Field::default(
        "lints",
        "table",
        "{}",
        "level of lints by name: `\"allow\"`, `\"warn\"` or `\"deny\"` (a finding is exit code 99); `lockbench lints` lists them",
    ),
    Field::default(
        "history",
        "kind",
        "{ kind = \"window\", attempts = 1000000 }",
        "how much of the history goes to disk",
    ),
    Field::default(
        "sometimes",
        "list of text",
        "[]",
        "what must happen at least once, or the run is inconclusive: `\"contender-asked\"` (while a holder was hit by a \
         fault, another client asked for its key), `\"contender-granted\"` (and was granted it before that hold \
         ended), `\"holder-went-on\"` (the holder went on inside its hold afterwards) or `\"granted-after-heal\"`",
    ),
    Field::optional(
        "truth",
        "text or duration",
        "ask the servers beside the load who holds which key, so that the cause of a double grant can be told: \
         `\"off\"`, `\"on\"` (every 20 ms) or every so often; without it on where there are faults",
    ),
    Field::default("faults", "list of tables", "[]", "faults that are injected into servers that lockbench started"),
    Field::optional("scenario", "table", "the story and the verdict that it expects of each system"),
    Field::default(
        "prices",
        "table",
        "{}",
        "what each system costs a month, as in `{ redis = 120, etcd = 300, currency = \"EUR\" }`: a line of the report",
    ),
];

/// Keys of a threshold that is a table.
static THRESHOLD: &[Field] = &[
    Field::required("text", "text", "the bound, such as \"timeouts <= 0.1%\""),
    Field::default("level", "text", "\"fail\"", "what a breach means: \"fail\" or \"warn\""),
];

/// Keys of a circuit breaker.
pub(super) static BREAKER: &[Field] = &[
    Field::required("after", "whole number", "attempts in a row without a lock, 1 to 1 000 000"),
    Field::required("pause", "duration", "how long the client does not ask"),
];

/// The plan that a document means; `None` if there are problems, all reported.
pub(super) fn plan(table: &Table, report: &Report, file_name: &str, tables: &[&OptionTable]) -> Option<Plan> {
    let cursor = Cursor::root(table, report);
    let take = |key| cursor.take(key);
    let name = take("name").map_or_else(|| Some(file_name.to_owned()), |item| named(&item));
    let question = take("question").and_then(|item| item.text());
    let clients = take("clients").and_then(|item| item.whole32(1..=MOST_CLIENTS));
    let spread = take("processes").map(|item| spread(&item));
    let keys = take("keys").and_then(|item| tagged(&item, &KEYS));
    let locks = take("locks").and_then(|item| fitting(&item, tagged(&item, &LOCKS)?, keys.as_ref(), clients));
    let section = take("critical_section").and_then(|item| tagged(&item, &SECTION));
    let access = take("access").and_then(|item| access::fitting(&item, tagged(&item, &ACCESS)?, locks, section));
    let hold = take("hold").and_then(|item| span(&item));
    let arrival = take("arrival").and_then(|item| arrival(&item));
    let think = take("think").and_then(|item| think(&item, arrival.as_ref()));
    let ttl = take("ttl").and_then(|item| ttl(&item));
    let ttl_ns = ttl.map(|(start_ns, _)| start_ns);
    let ttl_below_floor = take("ttl_below_floor").and_then(|item| item.word(BELOW_FLOOR));
    let renewal = take("renewal").and_then(|item| renewal(&item, ttl_ns));
    let acquire = take("acquire").and_then(|item| tagged(&item, &ACQUIRE));
    let retry = take("retry").and_then(|item| tagged(&item, &RETRY));
    let breaker = take("breaker").map(|item| breaker(&item, arrival.as_ref()));
    let beside =
        Beside { clients, keys, hold: hold.clone(), think: think.clone(), acquire, locks, breaker: breaker.flatten() };
    let groups = take("groups").and_then(|item| groups(&item, &beside));
    let request_timeout_ns = take("request_timeout").and_then(|item| item.positive_duration());
    let backends = take("backends").and_then(|item| backends(&item));
    let warmup_ns = take("warmup").and_then(|item| item.duration());
    let duration_ns = take("duration").and_then(|item| item.positive_duration());
    let trials = take("trials").and_then(|item| item.whole32(1..=MOST_TRIALS));
    let seed = take("seed").and_then(|item| item.whole(0..=LARGEST_SEED));
    let expect = take("expect").and_then(|item| expect(&item));
    let thresholds = take("thresholds").and_then(|item| thresholds(&item));
    let lints = take("lints").and_then(|item| lints(&item));
    let history = take("history").and_then(|item| tagged(&item, &HISTORY));
    let options = options(&cursor, tables);
    let truth = take("truth").map_or(Some(Truth::WithFaults), |item| truth(&item));
    let faults = take("faults").and_then(|item| faults(&item, duration_ns));
    let sometimes = take("sometimes").and_then(|item| words(&item, CONDITIONS));
    let scenario = take("scenario").map(|item| scenario(&item));
    let prices = take("prices").and_then(|item| prices(&item));
    let spread = spread_of(&cursor, spread, clients, groups.as_deref(), faults.as_deref());
    cursor.finish_complete();
    let plan = Plan {
        name: name?,
        question: question?,
        clients: clients?,
        spread: spread?,
        groups: groups?,
        keys: keys?,
        locks: locks?,
        access: access?,
        section: section?,
        hold: hold?,
        arrival: arrival?,
        think: think?,
        ttl_ns: ttl_ns?,
        dynamic_ttl: ttl?.1,
        ttl_below_floor: ttl_below_floor?,
        renewal: renewal?,
        acquire: acquire?,
        retry: retry?,
        // As with the scenario.
        breaker: breaker.map_or(Some(None), |breaker| breaker.map(Some))?,
        request_timeout_ns: request_timeout_ns?,
        backends: backends?,
        warmup_ns: warmup_ns?,
        duration_ns: duration_ns?,
        trials: trials?,
        seed: seed?,
        expect: expect?,
        thresholds: thresholds?,
        lints: lints?,
        history: history?,
        options: options?,
        sometimes: sometimes?,
        truth: truth?,
        faults: faults?,
        // One that is written wrongly is reported already.
        scenario: scenario.map_or(Some(None), |scenario| scenario.map(Some))?,
        prices: prices?,
    };
    match unfit(&plan) {
        Some(problem) => take("arrival")?.refuse_read(&problem),
        None => Some(plan),
    }
}

/// What the clients run on, as written or as the faults of clients need. `Some(None)`: written wrongly.
#[allow(clippy::option_option)]
fn spread_of(
    cursor: &Cursor<'_>,
    written: Option<Option<Spread>>,
    clients: Option<u32>,
    groups: Option<&[Group]>,
    faults: Option<&[PlannedFault]>,
) -> Option<Spread> {
    let (clients, groups, faults) = (clients?, groups?, faults?);
    match written {
        Some(Some(Spread::PerGroup)) if groups.is_empty() => cursor
            .refuse(&format!("processes = \"{PER_GROUP}\" needs groups of clients: write [[groups]], or a number")),
        Some(Some(Spread::Processes(processes))) => Some(Spread::Processes(processes.min(clients))),
        Some(written) => written,
        None if !faults.iter().any(|fault| fault.kind.is_of_a_client()) => Some(Spread::Threads),
        None if clients <= MOST_PROCESSES => Some(Spread::Processes(clients)),
        None => cursor.refuse(&format!(
            "faults of clients need \"processes\": so many clients cannot have one each, which are at most \
             {MOST_PROCESSES}"
        )),
    }
}

/// The pause of a closed loop. In an open one the clock says when, and a pause would do nothing.
fn think(item: &Item<'_>, arrival: Option<&Arrival>) -> Option<Span> {
    let think = span(item)?;
    if think != Span::ZERO && arrival.is_some_and(Arrival::is_open) {
        return item.refuse(
            "has no place beside \"arrival\": there the clock says when attempts are due; leave it out, or lower the rate",
        );
    }
    Some(think)
}

fn breaker(item: &Item<'_>, arrival: Option<&Arrival>) -> Option<Breaker> {
    let cursor = Cursor::nested(item, BREAKER)?;
    let after = cursor.take("after").and_then(|item| item.whole32(1..=1_000_000));
    let pause_ns = cursor.take("pause").and_then(|item| item.positive_duration());
    cursor.finish_complete();
    if arrival.is_some_and(Arrival::is_open) {
        return item.refuse("has no place beside \"arrival\": there the clock says when attempts are due");
    }
    Some(Breaker { after: after?, pause_ns: pause_ns? })
}

fn options(cursor: &Cursor<'_>, tables: &[&OptionTable]) -> Option<SystemOptions> {
    let mut options = SystemOptions::default();
    let mut sound = true;
    for table in tables {
        match cursor.take(table.name).and_then(|item| table.read(&item)) {
            Some(values) => options.push(table.name, values),
            None => sound = false,
        }
    }
    sound.then_some(options)
}

pub(super) const BELOW_FLOOR: &[(&str, BelowFloor)] = &[("refuse", BelowFloor::Refuse), ("raise", BelowFloor::Raise)];

pub(super) const BREACH_LEVELS: &[(&str, BreachLevel)] = &[("fail", BreachLevel::Fail), ("warn", BreachLevel::Warn)];
pub(super) const FINDING_LEVELS: &[(&str, FindingLevel)] =
    &[("allow", FindingLevel::Allow), ("warn", FindingLevel::Warn), ("deny", FindingLevel::Deny)];

fn named(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    if name.trim().is_empty() { item.refuse("is empty; write a name or leave the key out") } else { Some(name) }
}

/// `ttl_ns` is `None` if the ttl itself is wrong, which is reported already.
fn renewal(item: &Item<'_>, ttl_ns: Option<u64>) -> Option<RenewalPolicy> {
    match &item.node.value {
        Value::Text(text) if text == "off" => Some(RenewalPolicy::Off),
        Value::Text(text) if text == "on" => Some(RenewalPolicy::Every { ns: (ttl_ns? / 3).max(1) }),
        Value::Text(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(RenewalPolicy::Every { ns: item.positive_duration()? })
        }
        Value::Text(_) => item.refuse("is not known; write \"off\", \"on\" or a duration such as \"2s\""),
        Value::Integer(_) | Value::Real(_) => Some(RenewalPolicy::Every { ns: item.positive_duration()? }),
        other => {
            let found = other.type_name();
            item.refuse(&format!("is {found}; write \"off\", \"on\" or a duration such as \"2s\""))
        }
    }
}

fn truth(item: &Item<'_>) -> Option<Truth> {
    match &item.node.value {
        Value::Text(text) if text == "off" => Some(Truth::Off),
        Value::Text(text) if text == "on" => Some(Truth::Every { ns: Truth::EVERY_NS }),
        _ => Some(Truth::Every { ns: item.positive_duration()? }),
    }
}

/// Names are kept as text: who knows the registry resolves them and finds their
/// lines in the [`super::Source`].
fn backends(item: &Item<'_>) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for element in item.elements()? {
        let name = element.text()?;
        if name.trim().is_empty() {
            return element.refuse("is empty; write the name of a lock system (`lockbench backends` lists them)");
        }
        if names.contains(&name) {
            return element.refuse("is given twice; keep one of them");
        }
        names.push(name);
    }
    Some(names)
}

fn expect(item: &Item<'_>) -> Option<Vec<Expectation>> {
    let mut expected = Vec::new();
    for element in item.elements()? {
        let expectation = element.word(&Expectation::ALL)?;
        if expected.contains(&expectation) {
            return element.refuse("is given twice; keep one of them");
        }
        expected.push(expectation);
    }
    Some(expected)
}

/// The texts are kept as they are: who knows the figures reads them and finds their
/// lines in the [`super::Source`].
fn thresholds(item: &Item<'_>) -> Option<Vec<PlannedThreshold>> {
    let mut thresholds = Vec::new();
    for element in item.elements()? {
        let table = matches!(element.node.value, Value::Table(_));
        let threshold =
            if table { threshold(&element) } else { Some(PlannedThreshold { text: element.text()?, level: None }) };
        thresholds.push(threshold?);
    }
    Some(thresholds)
}

fn threshold(item: &Item<'_>) -> Option<PlannedThreshold> {
    let cursor = Cursor::nested(item, THRESHOLD)?;
    let text = cursor.take("text").and_then(|item| item.text());
    let level = cursor.take("level").and_then(|item| item.word(BREACH_LEVELS));
    cursor.finish_complete();
    Some(PlannedThreshold { text: text?, level: Some(level?) })
}

/// Names are kept as text, as those of backends are.
fn lints(item: &Item<'_>) -> Option<Vec<PlannedLint>> {
    let Value::Table(table) = &item.node.value else {
        let found = item.node.value.type_name();
        return item.refuse(&format!("is {found}; write a table, such as {{ fsync-off = \"deny\" }}"));
    };
    let mut lints = Vec::new();
    for entry in &table.entries {
        let path = format!("{}.{}", item.path, entry.key);
        let level = Item { path, origin: entry.origin.clone(), node: entry.node.clone(), report: item.report };
        lints.push(PlannedLint { name: entry.key.clone(), level: level.word(FINDING_LEVELS)? });
    }
    lints.sort_by(|a, b| a.name.cmp(&b.name));
    Some(lints)
}

/// Its keys are names of lock systems, so nothing can describe them beforehand.
fn prices(item: &Item<'_>) -> Option<Prices> {
    let Value::Table(table) = &item.node.value else {
        let found = item.node.value.type_name();
        return item.refuse(&format!("is {found}; write a table such as {{ redis = 120, currency = \"EUR\" }}"));
    };
    let mut prices = Prices::default();
    let mut sound = true;
    for entry in &table.entries {
        let path = format!("{}.{}", item.path, entry.key);
        let price = Item { path, origin: entry.origin.clone(), node: entry.node.clone(), report: item.report };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
        sound &= if entry.key == "currency" {
            price.text().map(|text| prices.currency = text).is_some()
        } else if !entry.key.is_empty() && entry.key.chars().all(named) {
            let amount = price.real(|amount| amount.is_finite() && amount >= 0.0, "a price per month, 0 or more");
            amount.map(|amount| prices.monthly.insert(entry.key.clone(), amount)).is_some()
        } else {
            price.report("is the price of no lock system (`lockbench backends` lists them)");
            false
        };
    }
    sound.then_some(prices)
}
