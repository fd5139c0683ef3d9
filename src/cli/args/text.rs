//! Flags of the commands that print what lockbench knows of itself.

use clap::{Args, ValueEnum};

/// What `schema` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaChoice {
    /// Every key of a workload file
    Workload,
    /// JSON Schema of report.json
    Report,
    /// JSON Schema of what inspect prints with --format json
    Inspection,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArgs {
    /// The document that the schema describes
    #[arg(value_enum)]
    pub of: SchemaChoice,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
