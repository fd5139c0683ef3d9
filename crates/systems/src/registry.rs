//! The lock systems that a program knows: a value, which callers pass on. The built-in
//! one has a line for each folder of this crate.

use super::{Entry, ServerKind};
use lockbench_core::workload::OptionTable;

/// A lock system: one folder, with the recipes of locking on it.
pub struct System {
    /// Its name: that of its only recipe, or what stands before the colon in those of several.
    pub name: &'static str,
    /// Its recipes. The bare name of the system means the first.
    pub recipes: &'static [&'static Entry],
    /// The servers that it needs.
    pub servers: Option<ServerKind>,
}

/// Every built-in system, in the order of tables.
pub(crate) static BUILTIN: &[&System] = &[
    &super::memory::SYSTEM,
    #[cfg(feature = "sqlite")]
    &super::sqlite::SYSTEM,
    &super::flock::SYSTEM,
    #[cfg(feature = "redis")]
    &super::redis::SYSTEM,
    #[cfg(feature = "redis")]
    &super::redlock::SYSTEM,
    #[cfg(feature = "redis")]
    &super::sentinel::SYSTEM,
    #[cfg(feature = "zookeeper")]
    &super::zookeeper::SYSTEM,
    #[cfg(feature = "etcd")]
    &super::etcd::SYSTEM,
    #[cfg(feature = "postgres")]
    &super::postgres::SYSTEM,
    &super::control::SYSTEM,
];

/// Lock systems, in the order of tables.
#[derive(Clone)]
pub struct Registry {
    systems: Vec<&'static System>,
}

impl Registry {
    /// The systems of this crate.
    #[must_use]
    pub fn builtin() -> Self {
        Self { systems: BUILTIN.to_vec() }
    }

    /// No system.
    #[must_use]
    pub fn empty() -> Self {
        Self { systems: Vec::new() }
    }

    /// Adds a system, in the place of one of the same name if there is one.
    #[must_use]
    pub fn with(mut self, system: &'static System) -> Self {
        match self.systems.iter_mut().find(|other| other.name == system.name) {
            Some(other) => *other = system,
            None => self.systems.push(system),
        }
        self
    }

    /// The systems.
    #[must_use]
    pub fn systems(&self) -> &[&'static System] {
        &self.systems
    }

    /// Every recipe of every system.
    pub fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        self.systems.iter().flat_map(|system| system.recipes.iter().copied())
    }

    /// The tables of a workload that the systems declare for themselves.
    #[must_use]
    pub fn options(&self) -> Vec<&'static OptionTable> {
        let mut tables: Vec<&'static OptionTable> = self.entries().filter_map(|entry| entry.options).collect();
        tables.dedup_by_key(|table| table.name);
        tables
    }

    /// Finds a recipe by its full name or by a bare system name.
    ///
    /// # Errors
    /// Names the nearest entry, if one is near.
    pub fn find(&self, name: &str) -> Result<&'static Entry, UnknownBackend> {
        let bare = self.systems.iter().find(|system| system.name == name && system.has_bare_name());
        let full = bare.and_then(|system| system.recipes.first()).map_or(name, |entry| entry.name);
        self.entries().find(|entry| entry.name == full).ok_or_else(|| {
            let bare = self.systems.iter().filter(|system| system.has_bare_name()).map(|system| system.name);
            let nearest = self
                .entries()
                .map(|entry| entry.name)
                .chain(bare)
                .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
                .min()
                .filter(|(distance, candidate)| *distance <= 3.max(candidate.len() / 3))
                .map(|(_, candidate)| candidate);
            UnknownBackend { name: name.to_owned(), nearest }
        })
    }
}

impl System {
    /// Whether its name alone means a recipe. That of the controls does not: which mistake is meant must be said.
    fn has_bare_name(&self) -> bool {
        self.recipes.first().is_some_and(|entry| !entry.unsafe_by_design)
    }
}

/// No entry has this name.
#[derive(Debug, thiserror::Error)]
#[error("unknown backend \"{name}\"{}; `lockbench backends` lists all", nearest.map(|n| format!(": did you mean \"{n}\"?")).unwrap_or_default())]
pub struct UnknownBackend {
    /// As given.
    pub name: String,
    /// Nearest registry name.
    pub nearest: Option<&'static str>,
}

#[cfg(test)]
#[cfg(all(feature = "postgres", feature = "etcd"))]
mod tests {
    use super::{Registry, System};

    #[test]
    fn a_bare_name_means_the_first_recipe_and_control_means_none() {
        let registry = Registry::builtin();
        assert_eq!(registry.find("postgres").unwrap().name, "postgres:advisory");
        assert_eq!(registry.find("postgres:lease").unwrap().name, "postgres:lease");
        assert!(registry.find("control").is_err());
        assert_eq!(registry.find("etdc").err().unwrap().nearest, Some("etcd"));
    }

    #[test]
    fn names_are_unique_and_say_which_system_they_are_of() {
        let registry = Registry::builtin();
        let mut names: Vec<&str> = registry.entries().map(|entry| entry.name).collect();
        for system in registry.systems() {
            for entry in system.recipes {
                assert_eq!(entry.name.split(':').next(), Some(system.name));
                assert_eq!(entry.server, system.servers, "{}", entry.name);
            }
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_system_of_the_caller_is_found_beside_the_others() {
        static MINE: System = System { name: "mine", recipes: &[&crate::memory::ENTRY], servers: None };
        assert_eq!(Registry::empty().with(&MINE).entries().count(), 1);
        let registry = Registry::builtin().with(&MINE);
        assert_eq!(registry.find("mine").unwrap().name, "memory");
    }
}
