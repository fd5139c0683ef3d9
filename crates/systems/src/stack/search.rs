//! Which server programs this machine has.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::StartError;
use super::start_recipe::Program;
use crate::ServerKind;

/// What the machine offers for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It can be started.
    Found {
        /// The executable.
        binary: PathBuf,
        /// As the program tells it.
        version: String,
    },
    /// It cannot.
    Missing {
        /// What was looked for and where.
        what: String,
        /// Command that installs it on Debian and Ubuntu.
        install: &'static str,
    },
}

/// Where programs are looked for.
#[derive(Clone, Debug)]
pub struct Search {
    dirs: Vec<PathBuf>,
    given: Vec<(&'static str, OsString)>,
}

impl Search {
    /// Variables that name a program instead of a search: each kind declares its own.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        let of_kinds = ServerKind::all().iter().flat_map(|kind| kind.servers().start.variables.iter().copied());
        of_kinds.chain([super::clock::VARIABLE])
    }

    /// `PATH`, the usual system directories (a user's `PATH` may lack sbin),
    /// and [`Self::variables`].
    #[must_use]
    pub fn from_env() -> Self {
        let mut dirs: Vec<PathBuf> =
            env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        dirs.retain(|dir| dir.is_absolute());
        dirs.extend(["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
        let given = Self::variables()
            .filter_map(|name| Some((name, env::var_os(name).filter(|value| !value.is_empty())?)))
            .collect();
        Self { dirs, given }
    }

    /// As if this variable were set: `variable` is one of [`Self::variables`].
    #[must_use]
    pub fn with(mut self, variable: &'static str, value: impl Into<OsString>) -> Self {
        self.given.retain(|(name, _)| *name != variable);
        self.given.push((variable, value.into()));
        self
    }

    /// Can a server of this kind be started?
    #[must_use]
    pub fn probe(&self, kind: ServerKind) -> Probe {
        let recipe = kind.servers().start;
        match (recipe.find)(self) {
            Ok(program) => Probe::Found { binary: program.path, version: program.version },
            Err(what) => Probe::Missing { what, install: recipe.install },
        }
    }

    /// The program of a kind.
    pub(crate) fn program(&self, kind: ServerKind) -> Result<Program, StartError> {
        let recipe = kind.servers().start;
        (recipe.find)(self).map_err(|what| StartError::Missing { kind, what, install: recipe.install })
    }

    /// The value of an override.
    pub(crate) fn given(&self, variable: &str) -> Option<&OsString> {
        self.given.iter().find(|(name, _)| *name == variable).map(|(_, value)| value)
    }

    /// An executable by override, else by name.
    pub(crate) fn executable(&self, name: &str, variable: &str) -> Result<PathBuf, String> {
        if let Some(path) = self.given(variable) {
            let path = PathBuf::from(path);
            return if is_executable(&path) {
                Ok(path)
            } else {
                Err(format!("{} (given by {variable})", path.display()))
            };
        }
        self.dirs
            .iter()
            .map(|dir| dir.join(name))
            .find(|path| is_executable(path))
            .ok_or_else(|| format!("{name} (searched in PATH; {variable} can name it)"))
    }

    /// The directories searched.
    pub(crate) fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }
}

/// A program without a class path, whose `--version` begins with `says`; its version is the word of that number, from 0.
pub(crate) fn native(path: PathBuf, says: &str, version_word: usize) -> Program {
    let version = version(&path, says, version_word);
    Program { path, class_path: OsString::new(), version }
}

pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn version(path: &Path, says: &str, word: usize) -> String {
    let output = Command::new(path).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    output
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = text.lines().next().filter(|line| line.starts_with(says))?;
            let word = line.split_ascii_whitespace().nth(word)?;
            Some(word.trim_start_matches("v=").to_owned())
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
#[cfg(all(feature = "redis", feature = "etcd", feature = "zookeeper"))]
mod tests {
    use super::{Probe, Search};
    use crate::ServerKind;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let search = Search { dirs: Vec::new(), given: Vec::new() };
        for kind in ["redis", "redlock", "zookeeper", "etcd"].map(|name| ServerKind::from_name(name).unwrap()) {
            let Probe::Missing { what, install } = search.probe(kind) else { panic!("{kind} found in no directory") };
            assert!(!what.is_empty() && install.contains("apt-get install"), "{kind}: {what}, {install}");
        }
        let Probe::Missing { what, .. } = search.with("LOCKBENCH_ETCD", "/nowhere/etcd").probe(crate::etcd::KIND)
        else {
            panic!("found a file that does not exist");
        };
        assert!(what.contains("/nowhere/etcd") && what.contains("LOCKBENCH_ETCD"), "{what}");
    }
}
