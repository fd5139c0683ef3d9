//! What every service of `docker/compose.yaml` has to keep. A rule gives its
//! findings as sentences that begin with the service.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml_ng::{Mapping, Value};

use super::{Compose, SYSTEMS, is_pinned, list, scalar};

/// Findings of every rule.
pub fn findings(compose: &Compose) -> Vec<String> {
    let mut found = file(compose);
    found.extend(variables(compose));
    for (name, service) in compose.services() {
        let of_service = [
            image(compose, &service),
            health(&service),
            limits(&service),
            ports(compose, &service),
            networks(&name, &service),
            volumes(compose, &service),
            labels(compose, &service),
            forbidden(&service),
            hardened(&service),
        ];
        found.extend(of_service.into_iter().flatten().map(|finding| format!("{name}: {finding}")));
    }
    found.extend(shared(compose));
    found
}

/// The profile of a service; empty without one.
pub fn profile(service: &Mapping) -> String {
    list(service, "profiles").join(",")
}

fn is_system(service: &Mapping) -> bool {
    SYSTEMS.contains(&profile(service).as_str())
}

/// What docker-compose 1.29 refuses, and what a plain `up` starts.
fn file(compose: &Compose) -> Vec<String> {
    let keys = compose.document.as_mapping().unwrap().keys().map(scalar);
    let allowed = |key: &String| key.starts_with("x-") || ["services", "networks", "volumes"].contains(&key.as_str());
    let mut found: Vec<String> =
        keys.filter(|key| !allowed(key)).map(|key| format!("file: top-level {key} is not for both composes")).collect();
    let listed: BTreeSet<&str> =
        compose.variables.get("COMPOSE_PROFILES").map_or("", String::as_str).split(',').collect();
    if listed != SYSTEMS.into_iter().collect() {
        found.push(format!("file: COMPOSE_PROFILES is not every lock system: {listed:?}"));
    }
    let known =
        |service: &Mapping| is_system(service) || ["observability", "lockbench"].contains(&profile(service).as_str());
    let services = compose.services();
    found.extend(services.iter().filter(|(_, service)| !known(service)).map(|(name, _)| format!("{name}: profile")));
    found
}

/// Each `${NAME}` is defined in `.env`, or says what it is without.
fn variables(compose: &Compose) -> Vec<String> {
    let text = serde_yaml_ng::to_string(&compose.document).unwrap();
    let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    let missing = names.filter(|inside| {
        let name = inside.split(':').next().unwrap_or_default();
        let value = compose.variables.get(name);
        match inside.split_once(":-") {
            // Two places that name a default must agree.
            Some((_, default)) => value.is_some_and(|value| value != default),
            None => value.is_none_or(String::is_empty),
        }
    });
    let unique: BTreeSet<&str> = missing.collect();
    unique.into_iter().map(|inside| format!("file: ${{{inside}}} is not what .env has")).collect()
}

fn image(compose: &Compose, service: &Mapping) -> Vec<String> {
    let image = list(service, "image").concat();
    let by_variable = image.starts_with("${") && image.ends_with("_IMAGE}");
    if by_variable && is_pinned(&compose.filled(&image)) {
        return Vec::new();
    }
    vec![format!("image {image} is not pinned to an exact version by .env")]
}

fn health(service: &Mapping) -> Vec<String> {
    let Some(check) = service.get("healthcheck").and_then(Value::as_mapping) else {
        return vec!["no health check".to_owned()];
    };
    let test = list(check, "test");
    let mut found = Vec::new();
    if test.len() < 2 || !["CMD", "CMD-SHELL"].contains(&test[0].as_str()) {
        found.push("the health check asks nothing".to_owned());
    }
    let missing =
        ["interval", "timeout", "retries", "start_period"].into_iter().filter(|key| !check.contains_key(*key));
    found.extend(missing.map(|key| format!("the health check has no {key}")));
    // etcd's image has no shell.
    if profile(service) == "etcd" && test.iter().any(|word| ["CMD-SHELL", "sh", "bash"].contains(&word.as_str())) {
        found.push("the health check needs a shell".to_owned());
    }
    found
}

fn limits(service: &Mapping) -> Vec<String> {
    let keys = ["cpus", "mem_limit", "stop_grace_period"];
    let mut found: Vec<String> =
        keys.into_iter().filter(|key| !service.contains_key(*key)).map(|key| format!("no {key}")).collect();
    if list(service, "restart") != ["no"] {
        found.push("restarts by itself, which hides a death".to_owned());
    }
    found
}

fn ports(compose: &Compose, service: &Mapping) -> Vec<String> {
    let published = list(service, "ports");
    let mut found = Vec::new();
    if published.len() != 1 {
        found.push(format!("{} published ports", published.len()));
    }
    for port in published {
        let parts: Vec<String> = compose.filled(&port).split(':').map(str::to_owned).collect();
        if !(port.starts_with("127.0.0.1:${") && parts.len() == 3) {
            found.push(format!("port {port} is not on 127.0.0.1 by a variable"));
        } else if is_system(service) && labels_of(service).get("lockbench.port") != parts.get(2) {
            found.push(format!("label lockbench.port is not that of {port}"));
        }
    }
    found
}

fn networks(name: &str, service: &Mapping) -> Vec<String> {
    let joined: BTreeSet<String> = list(service, "networks").into_iter().collect();
    let mut expected = BTreeSet::from(["clients".to_owned()]);
    if ["zookeeper", "etcd"].contains(&profile(service).as_str()) {
        expected.insert("peers".to_owned());
    }
    let mut found = Vec::new();
    if joined != expected {
        found.push(format!("is on {joined:?}, not on {expected:?}"));
    }
    if expected.contains("peers") {
        let peers = service.get("networks").and_then(|networks| networks.get("peers"));
        let aliases = peers.and_then(|peers| peers.get("aliases")).and_then(Value::as_sequence);
        let alias = format!("{name}.peers");
        if !aliases.is_some_and(|aliases| aliases.iter().any(|other| other.as_str() == Some(&alias))) {
            found.push(format!("has no alias {alias}"));
        }
    }
    found
}

/// Named volumes are declared; a server keeps its data in one.
fn volumes(compose: &Compose, service: &Mapping) -> Vec<String> {
    let declared = compose.document.get("volumes").and_then(Value::as_mapping).unwrap();
    let named: Vec<String> = list(service, "volumes").into_iter().filter(|volume| !volume.starts_with("./")).collect();
    let mut found: Vec<String> = named
        .iter()
        .filter(|volume| !declared.contains_key(volume.split(':').next().unwrap_or_default()))
        .map(|volume| format!("volume {volume} is not declared"))
        .collect();
    if named.is_empty() {
        found.push("keeps its data in no volume".to_owned());
    }
    let writable =
        list(service, "volumes").into_iter().filter(|volume| volume.starts_with("./") && !volume.ends_with(":ro"));
    found.extend(writable.map(|volume| format!("may write {volume}")));
    found
}

fn labels_of(service: &Mapping) -> BTreeMap<String, String> {
    let labels = service.get("labels").and_then(Value::as_mapping);
    labels.into_iter().flatten().map(|(name, value)| (scalar(name), scalar(value))).collect()
}

/// What `lockbench --stack docker` goes by.
fn labels(compose: &Compose, service: &Mapping) -> Vec<String> {
    let labels = labels_of(service);
    if !is_system(service) {
        return labels.keys().map(|name| format!("label {name} of a lock system")).collect();
    }
    let mut found = Vec::new();
    if labels.get("lockbench.kind") != Some(&profile(service)) {
        found.push("label lockbench.kind is not its profile".to_owned());
    }
    if !labels.get("lockbench.url").is_some_and(|url| url.contains("://") && url.contains("{address}")) {
        found.push("label lockbench.url is no template".to_owned());
    }
    let durability = labels.get("lockbench.durability").map_or("", String::as_str);
    if durability != "${LOCKBENCH_DURABILITY}" || !["fast", "safe"].contains(&compose.filled(durability).as_str()) {
        found.push("label lockbench.durability is not the one chosen".to_owned());
    }
    if !list(service, "env_file").concat().contains("${LOCKBENCH_DURABILITY:?") {
        found.push("starts with an unknown durability too".to_owned());
    }
    found
}

fn forbidden(service: &Mapping) -> Vec<String> {
    let keys = ["container_name", "privileged", "network_mode", "pid", "deploy", "links"];
    keys.into_iter().filter(|key| service.contains_key(*key)).map(|key| format!("has {key}")).collect()
}

/// What a server that is taken over could do with its container.
fn hardened(service: &Mapping) -> Vec<String> {
    let mut found = Vec::new();
    if list(service, "cap_drop") != ["ALL"] || service.contains_key("cap_add") {
        found.push("has capabilities that no service of ours needs".to_owned());
    }
    if list(service, "security_opt") != ["no-new-privileges:true"] {
        found.push("may gain privileges".to_owned());
    }
    // The entry points of these two images write beside files of the image.
    let image = list(service, "image").concat();
    let writes = image.contains("ZOOKEEPER_IMAGE") || image.contains("GRAFANA_IMAGE");
    if list(service, "read_only") != ["true"] && !writes {
        found.push("may write its root".to_owned());
    }
    let variables = service.get("environment").and_then(Value::as_mapping);
    let password = |name: &String| name.to_lowercase().ends_with("password");
    let constant = variables.into_iter().flat_map(Mapping::keys).map(scalar).find(password);
    found.extend(constant.map(|name| format!("{name} is a constant")));
    found
}

/// What no two services may share, and `peers`.
fn shared(compose: &Compose) -> Vec<String> {
    let mut found = Vec::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for (name, service) in compose.services() {
        let ports = list(&service, "ports").into_iter().map(|port| compose.filled(&port));
        let ports = ports.map(|port| port.rsplit_once(':').map_or(port.clone(), |(host, _)| host.to_owned()));
        let ours = |volume: &String| !volume.starts_with("./") && !volume.ends_with(":ro");
        let volumes = list(&service, "volumes").into_iter().filter(ours);
        let volumes = volumes.map(|volume| volume.split(':').next().unwrap_or_default().to_owned());
        for thing in ports.chain(volumes.collect::<BTreeSet<_>>()) {
            if let Some(other) = owners.insert(thing.clone(), name.clone()) {
                found.push(format!("{name}: {thing} is that of {other} too"));
            }
        }
    }
    let internal =
        compose.document.get("networks").and_then(|networks| networks.get("peers")?.get("internal")?.as_bool());
    if internal != Some(true) {
        found.push("file: peers is not internal, so a published port may be on it".to_owned());
    }
    found
}
