//! A kind of server: everything that the program, the stack and the recipes know of it,
//! written in the folder of the lock system whose servers they are.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use super::Target;
use super::levers::Levers;
use super::registry::BUILTIN;
use super::stack::{Search, StartRecipe};
use lockbench_core::lock::inspection::{Inspector, Scope};
use lockbench_core::lock::{Sweeper, SystemError};
use lockbench_core::workload::SystemOptions;

/// One kind of server.
pub struct Servers {
    /// Name of the system, as in `--endpoint NAME=URL`.
    pub name: &'static str,
    /// What they are, as the help of `inspect --as` says it.
    pub summary: &'static str,
    /// URL schemes that mean this kind. The first stands for an address without one.
    pub schemes: &'static [&'static str],
    /// Schemes that its own clients write, and what they are here.
    pub aliases: &'static [(&'static str, &'static str)],
    /// How many servers there may be.
    pub nodes: Nodes,
    /// Its clients take a list of hosts as one address.
    pub hosts_are_one_address: bool,
    /// How a host that is not a network address is written, for the message that one is missing.
    pub no_host: &'static str,
    /// What one server says is certain of who waits for whom, so that a circle is a deadlock.
    pub waits_are_certain: bool,
    /// Several addresses are several databases: each is swept alone.
    pub swept_one_by_one: bool,
    /// What looks at the locks on its servers. Contacts no server yet.
    pub inspect: Inspect,
    /// What looks for remains of dead runs on its servers. Contacts no server yet.
    pub sweep: Sweep,
    /// What can be asked of its servers, and done to them, while others lock on them.
    pub levers: Levers,
    /// How one is started on this machine.
    pub(crate) start: &'static StartRecipe,
}

/// Makes what looks at locks, under the name of the system.
pub type Inspect = fn(&'static str, &Target, Scope) -> Result<Box<dyn Inspector>, SystemError>;
/// Makes what looks for remains, under the name of the system.
pub type Sweep = fn(&'static str, &Target) -> Result<Box<dyn Sweeper>, SystemError>;

/// How many servers a system has.
#[derive(Clone, Copy, Debug)]
pub enum Nodes {
    /// One.
    One,
    /// One ensemble, which is reached by any of its members.
    Ensemble,
    /// Independent ones of another kind, of which a majority decides.
    Independent {
        /// What each of them is.
        of: ServerKind,
        /// Fewest of them in a run.
        fewest: usize,
    },
}

/// A kind of server, as a key: two are equal if their names are. Ordered as the built-in registry is.
#[derive(Clone, Copy)]
pub struct ServerKind(&'static Servers);

impl ServerKind {
    /// The key of these servers.
    #[must_use]
    pub const fn of(servers: &'static Servers) -> Self {
        Self(servers)
    }

    /// Every kind that can be started, in the order of tables. Kinds are made in this crate alone, so these are
    /// those of the built-in registry.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<ServerKind>> =
            LazyLock::new(|| BUILTIN.iter().filter_map(|system| system.servers).collect());
        &ALL
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().iter().copied().find(|kind| kind.name() == name)
    }

    /// The first kind with that URL scheme.
    #[must_use]
    pub fn from_scheme(scheme: &str) -> Option<Self> {
        Self::all().iter().copied().find(|kind| kind.schemes().contains(&scheme))
    }

    /// The name used in `--endpoint NAME=URL` and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// URL schemes that mean this kind.
    #[must_use]
    pub fn schemes(self) -> &'static [&'static str] {
        self.0.schemes
    }

    /// All that is known of it.
    #[must_use]
    pub fn servers(self) -> &'static Servers {
        self.0
    }

    /// How many are started on this machine, as planned.
    #[must_use]
    pub fn started_here(self, options: &SystemOptions) -> usize {
        (self.0.start.nodes)(options)
    }

    /// How many members the plan asks for, where that is a cluster of several.
    #[must_use]
    pub fn cluster(self, options: &SystemOptions) -> Option<usize> {
        Some(self.started_here(options))
            .filter(|count| *count > 1 && !matches!(self.0.nodes, Nodes::Independent { .. }))
    }

    /// The settings that the plan asks for, as the server reads them, and as what is to stand before it does.
    #[must_use]
    pub fn settings(self, options: &SystemOptions) -> Vec<String> {
        let front = self.0.start.front.and_then(|front| (front.planned)(options));
        (self.0.start.planned)(options).into_iter().chain(front).collect()
    }

    /// What the plan asks for beside its servers that this machine lacks, with what to do.
    #[must_use]
    pub fn lacks(self, options: &SystemOptions) -> Option<String> {
        let front = self.0.start.front_of(options)?;
        let what = (front.find)(&Search::from_env()).err()?;
        Some(format!("{what} was not found; install it with `{}`", front.install))
    }

    /// What the plan asks for that programs of this machine alone have, started for the run.
    #[must_use]
    pub fn started_only(self, options: &SystemOptions) -> Option<String> {
        let settings = self.settings(options);
        let members = self.cluster(options).map(|members| format!("its {members} members"));
        members.or_else(|| (!settings.is_empty()).then(|| format!("its settings {}", settings.join(", "))))
    }

    /// The kind that a majority of several such servers makes, if there is one.
    #[must_use]
    pub fn several(self) -> Option<Self> {
        Self::all().iter().copied().find(|kind| kind.node() != *kind && kind.node() == self)
    }

    /// What each of its servers is: of independent nodes the kind that they are, else itself.
    #[must_use]
    pub fn node(self) -> Self {
        match self.0.nodes {
            Nodes::Independent { of, .. } => of,
            Nodes::One | Nodes::Ensemble => self,
        }
    }

    /// What looks at the locks on servers of this kind. Contacts no server yet.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn inspector(self, target: &Target, scope: Scope) -> Result<Box<dyn Inspector>, SystemError> {
        (self.0.inspect)(self.0.name, target, scope)
    }

    /// What looks for remains of dead runs on servers of this kind. Contacts no server yet.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn sweeper(self, target: &Target) -> Result<Box<dyn Sweeper>, SystemError> {
        (self.0.sweep)(self.0.name, target)
    }

    /// Its place in the built-in registry.
    fn place(self) -> usize {
        Self::all().iter().position(|kind| *kind == self).unwrap_or(usize::MAX)
    }
}

impl PartialEq for ServerKind {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ServerKind {}

impl Hash for ServerKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl Ord for ServerKind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.place(), self.0.name).cmp(&(other.place(), other.0.name))
    }
}

impl PartialOrd for ServerKind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for ServerKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Debug for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::ServerKind;

    #[test]
    fn kinds_are_found_by_name_and_scheme_and_ordered_as_the_registry() {
        for kind in ServerKind::all() {
            assert_eq!(ServerKind::from_name(kind.name()), Some(*kind));
            let of_scheme = ServerKind::from_scheme(kind.schemes()[0]).unwrap();
            assert_eq!(of_scheme, kind.node(), "{kind}");
        }
        assert!(ServerKind::all().is_sorted());
        assert_eq!(ServerKind::from_name("wax"), None);
    }
}
