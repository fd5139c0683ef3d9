//! Other versions of a server than the one that this machine has of itself.

use std::path::{Path, PathBuf};

use lockbench_core::workload::ServerVersion;

use super::search::{Probe, Search};
use crate::ServerKind;

/// A server program that somebody names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenServer {
    /// The variable of the environment by which a run is told to start it.
    pub variable: &'static str,
    /// Its value.
    pub value: PathBuf,
    /// As the program itself says.
    pub version: ServerVersion,
}

impl Search {
    /// The server program at a path: an executable, or the directory that has it; a name alone is looked for as
    /// servers are.
    ///
    /// # Errors
    /// There is none, it is another program than it is said to be, or a version that the client cannot speak to.
    pub fn given_server(&self, kind: ServerKind, path: &Path) -> Result<GivenServer, String> {
        let other = kind.servers().start.other;
        let shown = path.display();
        let path = if path.components().count() == 1 && !path.exists() {
            let named = self.dirs().iter().map(|dir| dir.join(path)).find(|path| path.exists());
            named.ok_or_else(|| format!("{shown} is not there, and in none of the directories of PATH"))?
        } else {
            std::path::absolute(path).map_err(|error| format!("{shown}: {error}"))?
        };
        let value = match (path.is_dir(), other.by_directory) {
            (true, true) | (false, false) => path,
            (true, false) => path.join(other.program),
            (false, true) => path.parent().map(Path::to_owned).unwrap_or_default(),
        };
        let version = match self.clone().with(other.variable, &value).probe(kind) {
            Probe::Missing { what, .. } => return Err(format!("{shown} cannot be started: there is no {what}")),
            Probe::Found { version, .. } => version,
        };
        let Some(version) = ServerVersion::read(&version) else {
            let program = if other.by_directory { value.join(other.program) } else { value };
            return Err(format!(
                "{shown} does not give a version as {kind} does: it is another program, or cannot run here (try `{} \
                 --version`)",
                program.display()
            ));
        };
        match ServerVersion::read(other.oldest) {
            Some(oldest) if version < oldest => {
                Err(format!("{shown} is {kind} {version}, and lockbench's client needs {oldest} or newer"))
            }
            _ => Ok(GivenServer { variable: other.variable, value, version }),
        }
    }

    /// The version of the server of this machine itself; `None`: there is none, or it does not say.
    #[must_use]
    pub fn own_version(&self, kind: ServerKind) -> Option<ServerVersion> {
        match self.probe(kind) {
            Probe::Found { version, .. } => ServerVersion::read(&version),
            Probe::Missing { .. } => None,
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "redis", feature = "etcd", feature = "postgres"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::Search;
    use crate::ServerKind;

    fn program(dir: &Path, name: &str, says: &str) {
        let path = dir.join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_program_is_named_by_itself_or_its_directory_and_says_its_version() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), "etcd", "etcd Version: 3.5.16");
        program(dir.path(), "postgres", "postgres (PostgreSQL) 13.4 (Debian 13.4-1)");
        program(dir.path(), "initdb", "initdb");
        let given = |kind: &str, path: &Path| {
            let found = Search::from_env().given_server(ServerKind::from_name(kind).unwrap(), path).unwrap();
            (found.variable, found.value, found.version.to_string())
        };
        let etcd = dir.path().join("etcd");
        let expected = ("LOCKBENCH_ETCD", etcd.clone(), "3.5.16".to_owned());
        assert_eq!(given("etcd", dir.path()), expected);
        assert_eq!(given("etcd", &etcd), expected);
        let expected = ("LOCKBENCH_POSTGRES_BIN", dir.path().to_owned(), "13.4".to_owned());
        assert_eq!(given("postgres", dir.path()), expected);
        assert_eq!(given("postgres", &dir.path().join("postgres")), expected);
    }

    #[test]
    fn what_is_no_server_of_the_kind_or_too_old_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), "old", "etcd Version: 2.3.8");
        program(dir.path(), "other", "postgres (PostgreSQL) 15.3");
        program(dir.path(), "mute", "");
        fs::write(dir.path().join("text"), "no program").unwrap();
        for (name, said) in [
            ("old", "is etcd 2.3.8, and lockbench's client needs 3.4 or newer"),
            ("other", "does not give a version as etcd does"),
            ("mute", "does not give a version as etcd does"),
            ("text", "cannot be started"),
            ("missing", "cannot be started"),
        ] {
            let path = dir.path().join(name);
            let refused = Search::from_env().given_server(crate::etcd::KIND, &path).unwrap_err();
            assert!(refused.contains(said) && refused.contains(name), "{name}: {refused}");
        }
        let refused = Search::from_env().given_server(crate::etcd::KIND, Path::new("no-such-etcd")).unwrap_err();
        assert!(refused.contains("no-such-etcd is not there"), "{refused}");
    }
}
