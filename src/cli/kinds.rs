//! Kinds of servers as `up`, `down` and `status` are given them: by the names of lock
//! systems or of kinds.

use super::Failure;
use super::args::StackChoice;
use lockbench_systems::{Registry, ServerKind};

/// The kinds meant, each once; none named: none here.
pub fn named(names: &[String], registry: &Registry) -> Result<Vec<ServerKind>, Failure> {
    let mut kinds = Vec::new();
    for name in names {
        let kind = match ServerKind::from_name(name) {
            Some(kind) => kind,
            None => registry
                .find(name)
                .map_err(Failure::usage)?
                .server
                .ok_or_else(|| Failure::usage(format!("{name} needs no server: it runs in lockbench itself")))?,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// Servers of others are theirs.
pub fn no_external(stack: StackChoice, command: &str) -> Result<(), Failure> {
    match stack {
        StackChoice::External => Err(Failure::usage(format!(
            "--stack external means servers of others, which `lockbench {command}` has nothing to do with: \
             choose auto, local or docker"
        ))),
        StackChoice::Auto | StackChoice::Local | StackChoice::Docker => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, named};

    #[test]
    fn systems_and_kinds_name_servers_and_embedded_systems_none() {
        let names = |names: &[&str]| {
            named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &Registry::builtin())
        };
        let kinds = names(&["postgres:lease", "etcd", "postgres"]).unwrap();
        assert_eq!(kinds, [lockbench_systems::postgres::KIND, lockbench_systems::etcd::KIND]);
        assert!(names(&["memory"]).unwrap_err().message.contains("needs no server"));
        assert!(names(&["etdc"]).unwrap_err().message.contains("etcd"));
    }
}
