//! Rules for a Dockerfile, after hadolint's
//! (<https://github.com/hadolint/hadolint#rules>; the numbers are its).

use super::is_pinned;

/// One instruction: its name in capitals, and its words with continued lines joined.
struct Instruction {
    name: String,
    rest: String,
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut joined: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (body, continues) = line.strip_suffix('\\').map_or((line, false), |body| (body.trim_end(), true));
        match joined.last_mut().filter(|_| open) {
            Some(last) => *last += &format!(" {body}"),
            None => joined.push(body.to_owned()),
        }
        open = continues;
    }
    let split = |line: String| {
        let (name, rest) = line.split_once(' ').unwrap_or((&line, ""));
        Instruction { name: name.to_uppercase(), rest: rest.trim().to_owned() }
    };
    joined.into_iter().map(split).collect()
}

/// What is wrong with a Dockerfile, as sentences.
pub fn findings(text: &str) -> Vec<String> {
    let all = instructions(text);
    let mut found = images(&all);
    for Instruction { name, rest } in &all {
        match name.as_str() {
            "RUN" => found.extend(run(rest)),
            // DL3020: COPY does what is meant; ADD of a URL is not checked against anything.
            "ADD" => found.push(format!("ADD {rest}: use COPY")),
            // DL3025
            "ENTRYPOINT" | "CMD" if !rest.starts_with('[') => found.push(format!("{name} {rest} runs under a shell")),
            // DL3000
            "WORKDIR" if !rest.starts_with('/') => found.push(format!("WORKDIR {rest} is relative")),
            _ => {}
        }
    }
    let last = all.iter().rposition(|instruction| instruction.name == "FROM").unwrap_or_default();
    let users = all[last..].iter().filter(|instruction| instruction.name == "USER");
    // DL3002
    match users.map(|user| user.rest.as_str()).next_back() {
        None | Some("root" | "0") => found.push("ends as root".to_owned()),
        Some(_) => {}
    }
    if !all[last..].iter().any(|instruction| ["ENTRYPOINT", "CMD"].contains(&instruction.name.as_str())) {
        found.push("says nothing of what it runs".to_owned());
    }
    found
}

/// DL3006, DL3007: each base is an exact version, where it is an argument too.
fn images(all: &[Instruction]) -> Vec<String> {
    let arguments: Vec<(&str, &str)> =
        all.iter().filter(|it| it.name == "ARG").filter_map(|it| it.rest.split_once('=')).collect();
    let mut found = Vec::new();
    for from in all.iter().filter(|instruction| instruction.name == "FROM") {
        let image = from.rest.split_whitespace().next().unwrap_or_default();
        let name = image.strip_prefix("${").and_then(|name| name.strip_suffix('}'));
        let meant =
            name.map_or(Some(image), |name| arguments.iter().find(|(argument, _)| *argument == name).map(|it| it.1));
        if !meant.is_some_and(is_pinned) {
            found.push(format!("FROM {image} is not pinned"));
        }
    }
    if !all.iter().any(|instruction| instruction.name == "FROM") {
        found.push("has no FROM".to_owned());
    }
    found
}

fn run(command: &str) -> Vec<String> {
    let steps: Vec<Vec<&str>> = command
        .split("&&")
        .flat_map(|part| part.split([';', '|']))
        .map(|step| step.split_whitespace().collect())
        .collect();
    let mut found = Vec::new();
    let installs = |step: &&Vec<&str>| step.first() == Some(&"apt-get") && step.contains(&"install");
    for step in steps.iter().filter(installs) {
        // DL3015
        if !step.contains(&"--no-install-recommends") {
            found.push("apt-get install brings recommended packages".to_owned());
        }
        // DL3014
        if !step.contains(&"-y") {
            found.push("apt-get install would ask".to_owned());
        }
    }
    let installing = steps.iter().any(|step| installs(&step));
    // DL3009
    if installing && !command.contains("rm -rf /var/lib/apt/lists/*") {
        found.push("leaves the package lists in the layer".to_owned());
    }
    // An update in a layer of its own is kept from an old build.
    if installing && !steps.iter().any(|step| step.starts_with(&["apt-get", "update"])) {
        found.push("apt-get install without an update in the same RUN".to_owned());
    }
    for step in &steps {
        match step.first() {
            Some(&"sudo") => found.push("sudo in an image".to_owned()), // DL3004
            Some(&"apt") => found.push("apt is for people, apt-get for scripts".to_owned()), // DL3027
            Some(&("curl" | "wget")) => found.push("fetches what nothing checks".to_owned()),
            _ => {}
        }
    }
    found
}
