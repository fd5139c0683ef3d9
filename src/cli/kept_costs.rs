//! What lockbench was seen to cost on this machine, in this build: a file of the user's state, which runs look into.

use std::path::PathBuf;

use super::Failure;
use lockbench_report::{BUILD, Environment, OwnCost, write_file};

/// Name of the file, in the directory where `up` says what it left running.
const FILE: &str = "own-cost.json";

/// Those that this program measured on this machine; none, if the file is not there or cannot be read.
pub fn kept() -> Vec<OwnCost> {
    let here = Environment::read(String::new(), "", "");
    let fits = |cost: &OwnCost| {
        (cost.lockbench.as_str(), cost.build.as_str()) == (env!("CARGO_PKG_VERSION"), BUILD)
            && cost.cpu == here.cpu
            && cost.cores == here.cores
    };
    read().into_iter().filter(fits).collect()
}

fn read() -> Vec<OwnCost> {
    let text = directory().ok().and_then(|directory| std::fs::read_to_string(directory.join(FILE)).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn directory() -> Result<PathBuf, Failure> {
    let register = lockbench_systems::stack::Register::from_env().map_err(Failure::internal)?;
    Ok(register.directory().to_owned())
}

/// Keeps one in place of what was kept of that system. Returns where.
pub fn keep(cost: &OwnCost) -> Result<PathBuf, Failure> {
    let directory = directory()?;
    let other = |kept: &OwnCost| (&kept.backend, &kept.build) != (&cost.backend, &cost.build);
    let mut all: Vec<OwnCost> = read().into_iter().filter(other).collect();
    all.push(cost.clone());
    let mut json = serde_json::to_vec_pretty(&all).map_err(Failure::internal)?;
    json.push(b'\n');
    let failed = |error| Failure::internal(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(&directory).map_err(failed)?;
    write_file(&directory, FILE, &json).map_err(Failure::internal)?;
    Ok(directory.join(FILE))
}
