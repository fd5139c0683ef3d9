//! Flags that say where servers come from, and the commands about servers.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::format::FormatArgs;
use super::heading;
use lockbench_core::stop::Stop;
use lockbench_core::units::parse_duration_ns;
use lockbench_engine::ServerSource;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::DockerOptions;

/// Where servers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum StackChoice {
    /// A given endpoint, else one that `lockbench up` left, else started here, else in Docker
    Auto,
    /// Started here from installed programs
    Local,
    /// Containers of a compose file
    Docker,
    /// Only given endpoints
    External,
}

impl StackChoice {
    /// Returns the choice as the engine has it.
    pub fn source(self) -> ServerSource {
        match self {
            Self::Auto => ServerSource::Auto,
            Self::Local => ServerSource::Local,
            Self::Docker => ServerSource::Docker,
            Self::External => ServerSource::External,
        }
    }
}

/// Which compose project.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::SERVERS)]
pub(in crate::cli) struct ProjectArgs {
    /// Compose project of the containers; default: COMPOSE_PROJECT_NAME, else lockbench
    #[arg(long, env = "LOCKBENCH_PROJECT", value_name = "NAME")]
    pub project: Option<String>,
}

/// How containers are made.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::SERVERS)]
pub(in crate::cli) struct DockerArgs {
    /// Compose file, for containers; several, divided by commas or by repeating the flag: later ones override; default: docker/compose.yaml here or above
    #[arg(long, env = "LOCKBENCH_COMPOSE", value_name = "FILE", value_delimiter = ',')]
    pub compose: Vec<PathBuf>,
    #[command(flatten)]
    pub project: ProjectArgs,
    /// The durability that containers are started with; default: what the compose file says. With --stack external no server is changed: you state how the given ones were set up, and the report says that you stated it
    #[arg(long, env = "LOCKBENCH_DURABILITY", value_parser = durabilities())]
    pub durability: Option<String>,
    /// Longest wait for containers to be healthy
    #[arg(long, env = "LOCKBENCH_WITHIN", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub within: Duration,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UpArgs {
    /// Systems whose servers are started; none: every one that can be started here
    #[arg(value_name = "BACKEND")]
    pub backends: Vec<String>,
    /// Where they are started
    #[arg(long, default_value = "auto", env = "LOCKBENCH_STACK", value_parser = starting(), help_heading = heading::SERVERS)]
    pub stack: StackChoice,
    #[command(flatten)]
    pub docker: DockerArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DownArgs {
    /// Systems whose servers are stopped; none: all
    #[arg(value_name = "BACKEND")]
    pub backends: Vec<String>,
    /// Where they run
    #[arg(long, default_value = "auto", env = "LOCKBENCH_STACK", value_parser = running(), help_heading = heading::SERVERS)]
    pub stack: StackChoice,
    #[command(flatten)]
    pub project: ProjectArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    /// Systems to look at; none: all
    #[arg(value_name = "BACKEND")]
    pub backends: Vec<String>,
    /// Where they run
    #[arg(long, default_value = "auto", env = "LOCKBENCH_STACK", value_parser = running(), help_heading = heading::SERVERS)]
    pub stack: StackChoice,
    #[command(flatten)]
    pub project: ProjectArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SweepUpArgs {
    /// Servers to look at: redis://HOST:PORT, or SYSTEM=URL[,URL...]
    #[arg(env = "LOCKBENCH_ENDPOINT", value_name = "ENDPOINT", hide_env_values = true)]
    pub endpoint: Vec<String>,
    /// Remove what dead runs left; without this it is only listed
    #[arg(long, env = "LOCKBENCH_YES")]
    pub yes: bool,
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Flags of the process that `up` leaves behind, which holds the servers of one kind.
#[derive(Debug, Args)]
pub(in crate::cli) struct KeeperArgs {
    /// Kind of server
    #[arg(value_parser = kinds())]
    pub kind: ServerKind,
    /// Longest wait for an answer
    #[arg(long, default_value = "2m", value_parser = duration)]
    pub within: Duration,
}

impl ProjectArgs {
    /// Returns the name of the compose project.
    pub fn name(&self) -> String {
        let given = self.project.clone().or_else(|| std::env::var("COMPOSE_PROJECT_NAME").ok());
        given.filter(|name| !name.is_empty()).unwrap_or_else(|| "lockbench".to_owned())
    }
}

impl DockerArgs {
    /// Returns why a flag changes nothing, if one does: no containers are asked for.
    pub fn idle(&self, stack: StackChoice) -> Option<String> {
        let name = match stack {
            StackChoice::Auto | StackChoice::Docker => return None,
            StackChoice::Local => "local",
            StackChoice::External => "external",
        };
        let flag = match (self.compose.is_empty(), &self.durability) {
            (false, _) => "--compose",
            // Of given servers it is what the user says.
            (true, Some(_)) if stack == StackChoice::Local => "--durability",
            (true, _) => return None,
        };
        Some(format!("{flag} changes nothing: it is about containers, and --stack {name} starts none"))
    }

    /// Returns how containers are started.
    pub fn options(&self, stop: &Stop) -> DockerOptions {
        DockerOptions {
            files: self.compose.clone(),
            project: self.project.name(),
            durability: self.durability.clone(),
            within: self.within,
            stop: stop.clone(),
        }
    }
}

/// `--durability`, as compose files and labels name it.
fn durabilities() -> PossibleValuesParser {
    PossibleValuesParser::new([
        PossibleValue::new("fast").help("An answer does not wait for the disk"),
        PossibleValue::new("safe").help("An answer means that the change is on disk"),
    ])
}

/// `--stack` of `up`.
fn starting() -> impl TypedValueParser<Value = StackChoice> {
    own("What runs already; else programs of this machine, and containers where there are none")
}

/// `--stack` of `down` and `status`.
fn running() -> impl TypedValueParser<Value = StackChoice> {
    own("Both: programs of this machine and containers")
}

/// The stacks that are ours to start and to stop. The other one is understood, to be refused
/// with the reason.
fn own(auto: &'static str) -> impl TypedValueParser<Value = StackChoice> {
    let choices = [
        PossibleValue::new("auto").help(auto),
        PossibleValue::new("local").help("Programs of this machine"),
        PossibleValue::new("docker").help("Containers of the compose project"),
        PossibleValue::new("external").hide(true),
    ];
    PossibleValuesParser::new(choices).try_map(|text| StackChoice::from_str(&text, false))
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration_ns(text).map(Duration::from_nanos)
}

/// The systems that have servers.
pub(super) fn kinds() -> impl TypedValueParser<Value = ServerKind> {
    let choice = |kind: &ServerKind| PossibleValue::new(kind.name()).help(kind.servers().summary);
    PossibleValuesParser::new(ServerKind::all().iter().map(choice))
        .try_map(|text| ServerKind::from_name(&text).ok_or("not known"))
}
