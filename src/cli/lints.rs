//! `lockbench lints`: the registry of lints.

use comfy_table::{ContentArrangement, Table};

use super::{Failure, print};
use lockbench_report::lint::LINTS;

/// Prints every lint with its level, what it looks for and what to do about it.
pub fn lints() -> Result<u8, Failure> {
    let mut table = Table::new();
    table.load_preset("     ──            ").set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["name", "default"]);
    for lint in LINTS {
        table.add_row([lint.name, lint.default.name()]);
    }
    let mut text = format!("{}\n\n", table.trim_fmt());
    for lint in LINTS {
        text.push_str(&format!("{}: {}.\n  help: {}\n", lint.name, lint.looks_for, lint.advice));
    }
    text.push_str(
        "\nallow: not shown. warn: shown. deny: a finding is exit code 99, and 97 where it cannot be judged.\n\
         A level is changed by -A, -W or -D NAME, or in a workload: lints = { fsync-off = \"deny\" }. Flags win.\n",
    );
    print(&text)?;
    Ok(0)
}
