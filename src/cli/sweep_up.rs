//! `lockbench sweep-up`: lists what dead runs left on servers that are not ours, and removes it with --yes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Runtime;

use super::args::{FormatChoice, SweepUpArgs};
use super::endpoints::{Endpoints, bare, divided_of_any, named};
use super::fits::looking;
use super::{Failure, print, print_document, runtime, tell};
use lockbench_core::limits;
use lockbench_core::lock::{Endpoint, Found, Sweeper, SystemError};
use lockbench_report::Exit;
use lockbench_systems::ServerKind;

/// A run that looks dead is looked at again after so long: between two trials, or after an outage, the clients of
/// a live one are not connected for a moment.
const SETTLE: Duration = Duration::from_secs(3);

/// One run on the servers of one system.
#[derive(Debug, Serialize)]
struct Swept {
    system: &'static str,
    run: String,
    what: String,
    count: u64,
    /// Why it is left alone; null if it is dead.
    lives: Option<String>,
    removed: bool,
}

/// Lists what dead runs left; removes it with --yes.
pub fn sweep_up(args: &SweepUpArgs) -> Result<u8, Failure> {
    let servers = asked_for(&args.endpoint)?;
    let runtime = runtime().map_err(Failure::internal)?;
    let (mut swept, mut problems, mut noted) = (Vec::new(), Vec::new(), false);
    for (kind, endpoints) in servers {
        match system(kind, endpoints, args.yes, &runtime) {
            Ok((some, notes)) => {
                swept.extend(some);
                noted |= !notes.is_empty();
                notes.iter().for_each(|note| tell(&format!("{kind}: {note}")));
            }
            Err(error) => problems.push(limits::explained(&error.to_string(), None)),
        }
    }
    match args.format.choice {
        FormatChoice::Text if swept.is_empty() && noted => print("nothing that can be swept up is there\n")?,
        FormatChoice::Text => print(&text(&swept, args.yes))?,
        FormatChoice::Json => drop(print_document(&swept)?),
    }
    problems.iter().for_each(|problem| tell(&format!("lockbench: {problem}")));
    Ok(if problems.is_empty() { Exit::Pass } else { Exit::Backend }.code())
}

/// The servers by kind; those of Redis together, for a run on Redlock lives while one of its nodes knows it.
fn asked_for(texts: &[String]) -> Result<Endpoints, Failure> {
    let mut servers: BTreeMap<ServerKind, Vec<Endpoint>> = BTreeMap::new();
    for text in texts.iter().flat_map(|text| divided_of_any(text)).map(str::to_owned) {
        let names_its_system = text.split_once('=').is_some_and(|(name, _)| !name.contains("://"));
        let read =
            if names_its_system { named(std::slice::from_ref(&text))? } else { bare(std::slice::from_ref(&text))? };
        for (kind, endpoints) in read {
            let all = servers.entry(kind.node()).or_default();
            let twice = |one: &Endpoint| all.iter().any(|other| other.secret_url() == one.secret_url());
            let new: Vec<Endpoint> = endpoints.into_iter().filter(|one| !twice(one)).collect();
            all.extend(new);
        }
    }
    if servers.is_empty() {
        return Err(Failure::usage("which servers? Give their URLs: lockbench sweep-up redis://HOST:PORT"));
    }
    Ok(servers)
}

/// The servers of one system. Several databases of one PostgreSQL are several.
fn system(
    kind: ServerKind,
    endpoints: Vec<Endpoint>,
    remove: bool,
    runtime: &Runtime,
) -> Result<(Vec<Swept>, Vec<String>), SystemError> {
    let groups: Vec<Vec<Endpoint>> = if kind.servers().swept_one_by_one {
        endpoints.into_iter().map(|endpoint| vec![endpoint]).collect()
    } else {
        vec![endpoints]
    };
    let (mut all, mut notes) = (Vec::new(), Vec::new());
    for endpoints in groups {
        let sweeper = kind.sweeper(&looking(endpoints, false))?;
        let found = settled(&*sweeper, runtime)?;
        notes.extend(found.notes);
        for remains in found.runs {
            let dead = remains.lives.is_none();
            if dead && remove {
                runtime.block_on(sweeper.remove(&remains.run))?;
            }
            all.push(Swept {
                system: kind.name(),
                run: remains.run,
                what: remains.what,
                count: remains.count,
                lives: remains.lives,
                removed: dead && remove,
            });
        }
    }
    Ok((all, notes))
}

/// What is there, with runs taken for dead only if they were so twice.
fn settled(sweeper: &dyn Sweeper, runtime: &Runtime) -> Result<Found, SystemError> {
    let look = || runtime.block_on(sweeper.find());
    let first = look()?;
    if first.runs.iter().all(|run| run.lives.is_some()) {
        return Ok(first);
    }
    std::thread::sleep(SETTLE);
    Ok(confirmed(&first, look()?))
}

fn confirmed(first: &Found, mut second: Found) -> Found {
    for run in second.runs.iter_mut().filter(|run| run.lives.is_none()) {
        let before = first.runs.iter().find(|one| one.run == run.run);
        run.lives = match before {
            Some(before) => before.lives.clone(),
            None => Some("it began a moment ago".to_owned()),
        };
    }
    second
}

fn text(swept: &[Swept], yes: bool) -> String {
    if swept.is_empty() {
        return "nothing of ours is there\n".to_owned();
    }
    let mut text = String::new();
    for one in swept {
        let state = match (&one.lives, one.removed) {
            (Some(why), _) => format!("left alone: {why}"),
            (None, true) => "dead: removed".to_owned(),
            (None, false) => "dead".to_owned(),
        };
        text.push_str(&format!("{} {}\n  {}\n  {state}\n", one.system, one.run, one.what));
    }
    let dead = swept.iter().filter(|one| one.lives.is_none()).count();
    text.push_str(&match (dead, yes) {
        (0, _) => "\nno dead run left anything\n".to_owned(),
        (1, true) => "\nremoved what 1 dead run left\n".to_owned(),
        (_, true) => format!("\nremoved what {dead} dead runs left\n"),
        (1, false) => "\n1 dead run; nothing was removed: the same with --yes removes what it left\n".to_owned(),
        (_, false) => format!("\n{dead} dead runs; nothing was removed: the same with --yes removes what they left\n"),
    });
    text
}

#[cfg(test)]
mod tests {
    use super::{asked_for, confirmed};
    use lockbench_core::lock::{Found, Remains};

    fn found(runs: &[(&str, Option<&str>)]) -> Found {
        let remains = |(run, lives): &(&str, Option<&str>)| Remains {
            run: (*run).to_owned(),
            what: String::new(),
            count: 1,
            lives: lives.map(str::to_owned),
        };
        Found { runs: runs.iter().map(remains).collect(), notes: Vec::new() }
    }

    #[test]
    fn a_run_is_dead_if_it_was_so_twice() {
        let first = found(&[("gone", None), ("between-trials", Some("connected"))]);
        let second = found(&[("gone", None), ("between-trials", None), ("new", None)]);
        let lives: Vec<bool> = confirmed(&first, second).runs.iter().map(|run| run.lives.is_some()).collect();
        assert_eq!(lives, [false, true, true]);
    }

    #[test]
    fn nodes_of_redis_are_looked_at_together_and_once() {
        let texts = ["redis://a:1", "redlock=redis://a:1,redis://b:2,redis://c:3", "etcd://d:4"].map(str::to_owned);
        let servers = asked_for(&texts).unwrap();
        assert_eq!(servers[&lockbench_systems::redis::KIND].len(), 3);
        assert_eq!(servers.len(), 2);
        assert!(asked_for(&[]).is_err() && asked_for(&[String::new()]).is_err());
    }

    #[test]
    fn a_list_is_divided_where_an_address_begins_and_not_at_each_space() {
        let texts = ["redis://a:1 redis=redis://b:2 postgres=host=h user=u password='two words' dbname=d etcd://c:3"];
        let servers = asked_for(&texts.map(str::to_owned)).unwrap();
        let count = |kind| servers[&kind].len();
        assert_eq!(
            [lockbench_systems::redis::KIND, lockbench_systems::postgres::KIND, lockbench_systems::etcd::KIND]
                .map(count),
            [2, 1, 1]
        );
    }
}
