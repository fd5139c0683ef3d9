//! `lockbench trace`: makes up a trace of lock wishes, for `arrival = { kind = "trace", file = ... }`.

use super::args::{TraceArgs, TraceCommand};
use super::{Failure, print};
use lockbench_core::units::{SECOND, exact_duration, grouped, parse_duration_ns};
use lockbench_core::workload::Tpcc;

/// Most transactions: a plan has its trace within it.
const MOST: f64 = 90_000.0;

/// Carries out one of its commands.
pub fn trace(args: &TraceArgs) -> Result<u8, Failure> {
    let TraceCommand::Tpcc(args) = &args.command;
    let ns = parse_duration_ns(&args.length).map_err(|problem| Failure::usage(format!("--for: {problem}")))?;
    let expected = args.rate * ns as f64 / SECOND as f64;
    if !(args.rate > 0.0 && expected <= MOST) {
        return Err(Failure::usage(format!(
            "--rate {} --for {}: write a rate above 0 at which no more than {} transactions are due",
            args.rate,
            args.length,
            grouped(MOST as u64)
        )));
    }
    let shop = Tpcc { warehouses: args.warehouses, scale: args.scale, per_s: args.rate, ns, seed: args.seed };
    let head = format!(
        "# lockbench trace tpcc --warehouses {} --scale {} --rate {} --for {} --seed {}\n# a workload for it: keys = {{ kind = \
         \"uniform\", count = {} }}, locks = {{ kind = \"shuffled\", count = 8 }}\n",
        args.warehouses,
        args.scale,
        args.rate,
        exact_duration(ns),
        args.seed,
        shop.keys()
    );
    print(&format!("{head}{}", shop.trace().to_csv()))?;
    Ok(0)
}
