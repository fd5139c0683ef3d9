//! The rounds of a watch with a violation: their histories are kept, and judged again
//! here, as the history of a run that has no report is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::broken_off::{Promises, of_result, stored_plan};
use crate::replay::replay;
use crate::stored::{PLAN, history_failure, scenes_in};
use crate::{OpenError, Scene, TrialResult, Verdict, judge};

/// Where they are, below the directory of a watch.
pub const KEPT: &str = "violations";
const ENDING: &str = ".jsonl.gz";
/// What stands where a history tells nothing.
const UNTOLD: &str = "unknown (the history of a round does not tell)";

/// File name of the history of a round.
#[must_use]
pub fn kept_name(backend: &str, round: u32) -> String {
    format!("{}-round-{round}{ENDING}", backend.replace(':', "-"))
}

/// Is this file the history of a round, by its name?
#[must_use]
pub fn is_kept(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.is_file() && name.ends_with(ENDING) && name.contains("-round-")
}

/// Those of a watch, by name.
///
/// # Errors
/// If their directory is there and cannot be read.
pub fn kept_in(watch: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let place = watch.join(KEPT);
    if !place.exists() {
        return Ok(Vec::new());
    }
    let failed = |cause| OpenError::Io { path: place.display().to_string(), cause };
    let entries = fs::read_dir(&place).map_err(failed)?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_kept(path)).collect();
    found.sort();
    Ok(found)
}

/// Rounds, judged again, in the order in which they began.
#[derive(Debug)]
pub struct KeptRounds {
    /// An entry a round; its `trial` is the number of the round.
    pub rounds: Vec<TrialResult>,
    /// Their double grants, numbered from 1 over all of them.
    pub scenes: Vec<Scene>,
    /// What they mean.
    pub verdict: Verdict,
}

impl KeptRounds {
    /// Of these histories. The plan of the watch says what it expects; a history that was
    /// taken away from its watch expects nothing.
    ///
    /// # Errors
    /// If one cannot be read or makes no sense.
    pub fn open(histories: &[PathBuf], promises: Promises<'_>) -> Result<Self, OpenError> {
        let plan = histories.first().and_then(|path| Some(path.parent()?.parent()?.join(PLAN)));
        let plan = plan.filter(|path| path.is_file()).map(|path| stored_plan(&path)).transpose()?;
        let (name, expect) = plan.map_or_else(Default::default, |plan| (plan.name, plan.expect));
        let mut found = Vec::new();
        for path in histories {
            replay(path, &|_| None, &mut |mut replayed| {
                let began = replayed.header.start;
                found.push((began, of_result(&replayed, &name, promises, UNTOLD), replayed.measurements()));
            })
            .map_err(history_failure)?;
        }
        found.sort_by_key(|(began, result, _)| (*began, result.trial));
        let (rounds, measured): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(_, result, measured)| (result, measured)).unzip();
        let scenes = scenes_in(histories, false, &rounds, &measured)?;
        let is_control = |name: &str| promises(name).is_some_and(|promise| promise.control);
        let verdict = judge(&rounds, &[], &expect, None, &is_control, &[]);
        Ok(Self { rounds, scenes, verdict })
    }
}
