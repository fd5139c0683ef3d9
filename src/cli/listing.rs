//! Servers as `up` and `status` list them.

use serde::Serialize;

use super::args::FormatChoice;
use super::{Failure, print, print_document};
use lockbench_core::lock::Endpoint;
use lockbench_systems::ServerKind;
use lockbench_systems::stack::{ContainerState, Registered, Server};

/// One kind of server in one place, or one container.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub kind: ServerKind,
    /// `this machine`, or the service of a container.
    pub place: String,
    pub state: String,
    /// URLs that work as they stand, passwords included: a client is started with them.
    pub endpoints: Vec<String>,
    pub durability: Option<String>,
    /// Whether it serves no more.
    #[serde(skip)]
    pub dead: bool,
}

/// What the command found or did.
#[derive(Clone, Copy, Debug)]
pub enum State {
    Started,
    RanAlready,
    Runs,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::RanAlready => "runs already",
            Self::Runs => "runs",
        }
    }
}

impl Row {
    /// Returns the row of programs that a keeper holds.
    pub fn of_left(left: &Registered, state: State) -> Option<Self> {
        // The lines of its log are for a run that wanted to use it.
        let ended = left.died.as_ref().map(|died| died.split("; its last lines").next().unwrap_or_default().to_owned());
        Some(Self {
            kind: left.kind()?,
            place: "this machine".to_owned(),
            state: ended.unwrap_or_else(|| state.words().to_owned()),
            endpoints: urls(&left.endpoints()),
            durability: None,
            dead: left.died.is_some(),
        })
    }

    /// Returns the row of containers.
    pub fn of_server(server: &Server, state: State) -> Self {
        let names: Vec<&str> = server.nodes().map(|node| node.name()).collect();
        let name = match names.as_slice() {
            [first, .., last] => format!("containers {first} to {last}"),
            _ => format!("container {}", names.join(", ")),
        };
        Self {
            kind: server.kind(),
            place: name,
            state: state.words().to_owned(),
            endpoints: urls(&server.endpoints()),
            durability: server.durability().map(str::to_owned),
            dead: false,
        }
    }

    /// Returns the row of one container.
    pub fn of_seen(seen: &ContainerState) -> Self {
        Self {
            kind: seen.kind,
            place: format!("container {}", seen.service),
            state: seen.state.clone(),
            endpoints: seen.endpoint.iter().map(|endpoint| endpoint.secret_url().to_owned()).collect(),
            durability: seen.durability.clone(),
            dead: seen.dead,
        }
    }
}

fn urls(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().map(|endpoint| endpoint.secret_url().to_owned()).collect()
}

/// Prints them; `none` where there are none.
pub fn shown(rows: &[Row], format: FormatChoice, none: &str) -> Result<(), Failure> {
    match format {
        FormatChoice::Json => print_document(&serde_json::json!({ "servers": rows })).map(|_| ()),
        FormatChoice::Text if rows.is_empty() => print(&format!("{none}\n")),
        FormatChoice::Text => print(&rows.iter().map(line).collect::<String>()),
    }
}

fn line(row: &Row) -> String {
    let durability = row.durability.as_ref().map_or_else(String::new, |made_for| format!(", durability {made_for}"));
    let (kind, endpoints) = (row.kind.name(), row.endpoints.join(" "));
    format!("{kind:<10}{} ({}{durability})  {endpoints}\n", row.state, row.place)
}

#[cfg(test)]
mod tests {
    use super::{Row, line};

    #[test]
    fn a_line_says_what_where_and_how_to_reach_it() {
        let row = Row {
            kind: lockbench_systems::etcd::KIND,
            place: "containers etcd-1 to etcd-3".to_owned(),
            state: "started".to_owned(),
            endpoints: vec!["etcd://127.0.0.1:1".to_owned(), "etcd://127.0.0.1:2".to_owned()],
            durability: Some("safe".to_owned()),
            dead: false,
        };
        let expected =
            "etcd      started (containers etcd-1 to etcd-3, durability safe)  etcd://127.0.0.1:1 etcd://127.0.0.1:2\n";
        assert_eq!(line(&row), expected);
    }
}
