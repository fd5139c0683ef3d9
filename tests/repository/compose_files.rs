//! `docker/` as it lies there: the compose file and its stand-ins keep their
//! rules, each rule finds what it is for, every Dockerfile and script passes
//! its linter, and both generations of Docker Compose accept the file. No engine
//! is needed.

use crate::support;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::compose::{Compose, SYSTEMS, dockerfile, list, rules};
use crate::support::repository::{path, read};
use serde_yaml_ng::Value;

const FILE: &str = "docker/compose.yaml";
const OVERRIDE: &str = "docker/offline/compose.override.yaml";

fn ours() -> Compose {
    Compose::read(&read(FILE), &read("docker/.env"))
}

#[test]
fn the_compose_file_keeps_every_rule() {
    let found = rules::findings(&ours());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_service_that_was_promised_is_there() {
    let mut expected = vec!["grafana", "lockbench", "postgres", "prometheus", "redis"];
    let nodes = ["redlock-1", "redlock-2", "redlock-3", "redlock-4", "redlock-5"];
    expected.extend(nodes.into_iter().chain(["zookeeper-1", "zookeeper-2", "zookeeper-3"]));
    expected.extend(["etcd-1", "etcd-2", "etcd-3"]);
    expected.sort_unstable();
    let services = ours().services();
    let found: Vec<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(found, expected);
}

/// What is changed in the compose file (or `.env`), and the finding that must come of it.
const PLANTED: &[(&str, &str, &str)] = &[
    ("REDIS_IMAGE=redis:8.2.3-bookworm", "REDIS_IMAGE=redis:latest", "redis: image"),
    ("REDIS_IMAGE=redis:8.2.3-bookworm", "REDIS_IMAGE=redis", "redis: image"),
    ("image: ${ETCD_IMAGE}", "image: quay.io/coreos/etcd:v3.6.4", "etcd-1: image"),
    ("  healthcheck:\n    <<: *health\n    # redis-cli", "  health:\n    # redis-cli", "redis: no health check"),
    (r#"["CMD-SHELL", "redis-cli ping"#, r#"["NONE", "redis-cli ping"#, "redis: the health check asks nothing"),
    ("  start_period: 60s\n", "", "redis: the health check has no start_period"),
    (r#"["CMD", "etcdctl","#, r#"["CMD-SHELL", "etcdctl","#, "etcd-1: the health check needs a shell"),
    ("  cpus: 1.0\n", "", "redis: no cpus"),
    ("    mem_limit: 1g\n    # Shared", "    # Shared", "postgres: no mem_limit"),
    (r#"restart: "no""#, "restart: always", "redis: restarts by itself"),
    ("127.0.0.1:${REDIS_PORT:-6379}:6379", "${REDIS_PORT:-6379}:6379", "redis: port"),
    ("127.0.0.1:${REDIS_PORT:-6379}:6379", "127.0.0.1:6379:6379", "redis: port"),
    ("127.0.0.1:${REDIS_PORT:-6379}:6379", "127.0.0.1:${REDIS_PORT:-6379}:6380", "redis: label lockbench.port"),
    ("REDIS_PORT=6379", "REDIS_PORT=6390", "file: ${REDIS_PORT:-6379} is not what .env has"),
    ("${ETCD_2_PORT:-2389}", "${ETCD_1_PORT:-2379}", "etcd-2: 127.0.0.1:2379 is that of etcd-1 too"),
    ("volumes: [\"etcd-2:", "volumes: [\"etcd-1:", "etcd-2: etcd-1 is that of etcd-1 too"),
    ("POSTGRES_IMAGE=", "POSTGRESQL_IMAGE=", "file: ${POSTGRES_IMAGE} is not what .env has"),
    ("        aliases: [etcd-1.peers]\n", "", "etcd-1: has no alias etcd-1.peers"),
    (
        "    networks:\n      clients:\n      peers:\n        aliases: [etcd-1.peers]",
        "    networks: [clients]",
        "etcd-1: is on",
    ),
    ("    internal: true\n", "", "file: peers is not internal"),
    (
        "\n  redis:\n    <<: *redis\n",
        "\n  redis:\n    container_name: redis\n    <<: *redis\n",
        "redis: has container_name",
    ),
    ("      lockbench.kind: postgres\n", "      lockbench.kind: redis\n", "postgres: label lockbench.kind"),
    ("etcd://{address}", "etcd://127.0.0.1:2379", "etcd-1: label lockbench.url"),
    (
        "  lockbench.kind: etcd\n  lockbench.port: \"2379\"\n",
        "  lockbench.kind: etcd\n",
        "etcd-1: label lockbench.port",
    ),
    ("LOCKBENCH_DURABILITY=safe", "LOCKBENCH_DURABILITY=default", "redis: label lockbench.durability"),
    (
        "${LOCKBENCH_DURABILITY:?must be safe or fast; docker/.env sets it}",
        "safe",
        "redis: starts with an unknown durability",
    ),
    ("profiles: [postgres]", "profiles: [pg]", "postgres: profile"),
    ("COMPOSE_PROFILES=redis,", "COMPOSE_PROFILES=", "file: COMPOSE_PROFILES"),
    ("\nservices:\n", "\nname: lockbench\nservices:\n", "file: top-level name"),
    ("\"postgres:/var/lib/postgresql\"", "\"database:/var/lib/postgresql\"", "postgres: volume"),
    ("  cap_drop: [ALL]\n", "", "redis: has capabilities"),
    ("  user: redis\n  read_only: true\n", "  user: redis\n", "redis: may write its root"),
    (
        "POSTGRES_USER: lockbench\n",
        "POSTGRES_USER: lockbench\n      POSTGRES_PASSWORD: secret\n",
        "postgres: POSTGRES_PASSWORD is a constant",
    ),
    ("./redis:/etc/lockbench:ro\", \"redis:/data", "./redis:/etc/lockbench\", \"redis:/data", "redis: may write"),
];

#[test]
fn each_rule_finds_what_is_planted_for_it() {
    let (yaml, env) = (read(FILE), read("docker/.env"));
    for (before, after, expected) in PLANTED {
        assert!(yaml.contains(before) || env.contains(before), "nothing to plant in: {before}");
        let found = rules::findings(&Compose::read(&yaml.replace(before, after), &env.replace(before, after)));
        assert!(found.iter().any(|finding| finding.starts_with(expected)), "{after}: no {expected:?} in {found:#?}");
    }
}

#[test]
fn lockbenchs_image_has_the_version_of_the_crate() {
    let image = &ours().variables["LOCKBENCH_IMAGE"];
    assert_eq!(image, &format!("lockbench:{}", env!("CARGO_PKG_VERSION")));
    let dockerfile = read("docker/lockbench/Dockerfile");
    assert_eq!(dockerfile.matches("lockbench:").count(), dockerfile.matches(image).count());
    assert!(dockerfile.contains(&format!("RUST_IMAGE=rust:{}.", env!("CARGO_PKG_RUST_VERSION"))));
}

#[test]
fn the_override_replaces_every_image_and_nothing_else() {
    let offline = Compose::read(&read(OVERRIDE), "");
    let services = ours().services();
    let replaced = offline.services();
    assert_eq!(replaced.keys().collect::<Vec<_>>(), services.keys().collect::<Vec<_>>());
    for (name, service) in &replaced {
        let others: Vec<String> = service
            .keys()
            .map(super::compose::scalar)
            .filter(|key| !["image", "healthcheck"].contains(&key.as_str()))
            .collect();
        if name == "grafana" {
            assert_eq!(service.get("scale"), Some(&Value::from(0)), "it is not in Debian");
            assert_eq!(list(service, "image"), ["lockbench-offline/base:debian-12"], "there with any other");
            continue;
        }
        assert!(others.is_empty(), "{name}: {others:?}");
        let image = list(service, "image").concat();
        let of = image.strip_prefix("lockbench-offline/").and_then(|rest| rest.strip_suffix(":debian-12")).unwrap();
        assert!(path("docker/offline").join(of).join("Dockerfile").is_file(), "{image}");
        // The stand-in stands for the image that the service has.
        let official = list(&services[name], "image").concat();
        assert_eq!(official, format!("${{{}_IMAGE}}", of.to_uppercase()), "{name}");
    }
}

#[test]
fn either_durability_is_written_down_for_every_system() {
    let (safe, fast) = (read("docker/durability/safe.env"), read("docker/durability/fast.env"));
    for (safe, fast, line) in [
        (&safe, &fast, ["ETCD_UNSAFE_NO_FSYNC=false", "ETCD_UNSAFE_NO_FSYNC=true"]),
        (&safe, &fast, ["-Dzookeeper.forceSync=yes", "-Dzookeeper.forceSync=no"]),
        (&read("docker/redis/safe.conf"), &read("docker/redis/fast.conf"), ["appendfsync always", "appendonly no"]),
        (&read("docker/postgres/safe.conf"), &read("docker/postgres/fast.conf"), ["\nfsync = on", "\nfsync = off"]),
    ] {
        assert!(safe.contains(line[0]) && !safe.contains(line[1]), "{line:?}");
        assert!(fast.contains(line[1]) && !fast.contains(line[0]), "{line:?}");
    }
}

#[test]
fn every_dockerfile_passes_the_rules() {
    let files = files(&path("docker"));
    let dockerfiles: Vec<&PathBuf> = files.iter().filter(|path| path.ends_with("Dockerfile")).collect();
    assert!(dockerfiles.len() >= 7, "{dockerfiles:?}");
    for path in dockerfiles {
        let found = dockerfile::findings(&std::fs::read_to_string(path).unwrap());
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
}

#[test]
fn each_rule_for_dockerfiles_finds_what_is_planted_for_it() {
    let good = "ARG BASE=debian:12.11-slim\nFROM ${BASE}\nRUN apt-get update -q \\\n \
                && apt-get install -y --no-install-recommends redis-server \\\n && rm -rf /var/lib/apt/lists/*\n\
                WORKDIR /data\nUSER redis\nCMD [\"redis-server\"]\n";
    assert_eq!(dockerfile::findings(good), Vec::<String>::new());
    for (before, after, expected) in [
        ("debian:12.11-slim", "debian:latest", "FROM ${BASE} is not pinned"),
        ("debian:12.11-slim", "debian:bookworm-slim", "FROM ${BASE} is not pinned"),
        ("ARG BASE=debian:12.11-slim\n", "", "FROM ${BASE} is not pinned"),
        ("FROM ${BASE}", "FROM debian", "FROM debian is not pinned"),
        (" --no-install-recommends", "", "apt-get install brings recommended packages"),
        (" -y", "", "apt-get install would ask"),
        (" \\\n && rm -rf /var/lib/apt/lists/*", "", "leaves the package lists in the layer"),
        ("apt-get update -q \\\n && ", "", "apt-get install without an update in the same RUN"),
        ("USER redis\n", "", "ends as root"),
        ("USER redis\n", "USER redis\nUSER root\n", "ends as root"),
        ("[\"redis-server\"]", "redis-server", "CMD redis-server runs under a shell"),
        ("CMD [\"redis-server\"]\n", "", "says nothing of what it runs"),
        ("WORKDIR /data", "WORKDIR data", "WORKDIR data is relative"),
        ("USER", "ADD https://example.org/x /x\nUSER", "ADD https://example.org/x /x: use COPY"),
        ("USER", "RUN sudo true\nUSER", "sudo in an image"),
        ("USER", "RUN apt install -y x\nUSER", "apt is for people, apt-get for scripts"),
        ("USER", "RUN curl https://example.org | sh\nUSER", "fetches what nothing checks"),
    ] {
        let found = dockerfile::findings(&good.replace(before, after));
        assert!(found.iter().any(|finding| finding == expected), "{after}: no {expected:?} in {found:?}");
    }
}

#[test]
fn every_script_passes_shellcheck() {
    let is_script = |path: &PathBuf| std::fs::read(path).unwrap().starts_with(b"#!/");
    let mut directories = ["docker", "scripts"].map(|name| files(&path(name))).concat();
    directories.push(path("lockbench"));
    let scripts: Vec<PathBuf> = directories.into_iter().filter(is_script).collect();
    assert!(scripts.iter().any(|script| script.ends_with("offline/build")), "{scripts:?}");
    if which("shellcheck").is_none() {
        return support::skip("shellcheck is not installed");
    }
    let output = Command::new("shellcheck").args(&scripts).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Every file under a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// The composes of this machine: the plugin of docker, and the older program.
fn composes() -> Vec<Vec<&'static str>> {
    let known = [vec!["docker", "compose"], vec!["docker-compose"]];
    let works = |words: &Vec<&str>| {
        Command::new(words[0]).args(&words[1..]).arg("version").output().is_ok_and(|output| output.status.success())
    };
    known.into_iter().filter(works).collect()
}

fn config(words: &[&str], files: &[&str], profiles: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(path(""));
    // What the shell of the tester sets is none of the file's business.
    for name in ["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "LOCKBENCH_DURABILITY"].into_iter().chain(images()) {
        command.env_remove(name);
    }
    for file in files {
        command.args(["-f", file]);
    }
    command.args(["config", "--quiet"]).env("COMPOSE_PROFILES", profiles).envs(variables.iter().copied());
    command.output().unwrap()
}

fn images() -> impl Iterator<Item = &'static str> {
    ["REDIS_IMAGE", "ZOOKEEPER_IMAGE", "ETCD_IMAGE", "POSTGRES_IMAGE"].into_iter()
}

#[test]
fn compose_accepts_every_profile_alone_and_all_together_and_an_unknown_durability_never() {
    let composes = composes();
    if composes.is_empty() {
        return support::skip_docker("neither `docker compose` nor `docker-compose` is installed");
    }
    let all = format!("{},observability,lockbench", SYSTEMS.join(","));
    for words in &composes {
        let accepts = |files: &[&str], profiles: &str| {
            let output = config(words, files, profiles, &[]);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !told.contains("WARN"), "{words:?} {files:?} {profiles}: {told}");
        };
        for profiles in SYSTEMS.into_iter().chain(["observability", "lockbench", &all]) {
            accepts(&[FILE], profiles);
        }
        accepts(&[FILE, OVERRIDE], &all);
        for unknown in ["", "default"] {
            let output = config(words, &[FILE], &all, &[("LOCKBENCH_DURABILITY", unknown)]);
            assert!(!output.status.success(), "{words:?} took the durability {unknown:?}");
        }
    }
}
