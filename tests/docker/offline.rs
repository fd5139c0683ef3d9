//! The whole of `docker/compose.yaml` on a real Docker engine, with the stand-in
//! images of `docker/offline`: from nothing to healthy, each server asked whether
//! it runs as configured, lockbench's own image beside them, and nothing left.
//!
//! `LOCKBENCH_TEST_IMAGES=official` takes the official images instead, where a
//! registry can be reached.

use crate::support;
use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::docker::{Docker, docker, root, text, told};

/// What the service `lockbench` watches.
const WATCHED: [&str; 5] = ["redis", "redlock", "zookeeper", "etcd", "postgres:advisory"];
const SYSTEMS: &str = "redis,redlock,zookeeper,etcd,postgres";

fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// A compose project of this test's own; gone, with all that is in it, when dropped.
struct Project {
    docker: Docker,
    compose: Vec<&'static str>,
    durability: &'static str,
}

impl Project {
    /// Images built, nothing started. `None`, visibly, where this cannot be.
    fn new(name: &str, durability: &'static str) -> Option<Self> {
        let docker = Docker::with_images(name, &["redis", "zookeeper", "etcd", "postgres", "lockbench", "prometheus"])?;
        let compose = [vec!["docker", "compose"], vec!["docker-compose"]];
        let works = |words: &Vec<&str>| succeeds(words[0], &[&words[1..], &["version"]].concat());
        let Some(compose) = compose.into_iter().find(works) else {
            support::skip_docker("neither `docker compose` nor `docker-compose` is installed");
            return None;
        };
        Some(Self { docker: docker.in_memory(), compose, durability })
    }

    fn compose(&self, args: &[&str]) -> Output {
        let mut command = Command::new(self.compose[0]);
        command.args(&self.compose[1..]).current_dir(root()).env_remove("COMPOSE_FILE");
        for file in &self.docker.files {
            command.arg("-f").arg(file);
        }
        for (name, port) in &self.docker.ports {
            command.env(name, port.to_string());
        }
        command.env("COMPOSE_PROFILES", SYSTEMS).env("LOCKBENCH_DURABILITY", self.durability);
        command.args(["-p", &self.docker.project]).args(args).output().unwrap()
    }

    /// Starts these services (none: those of the profiles) and waits until all are healthy.
    fn up(&self, services: &[&str]) {
        let output = self.compose(&[&["up", "-d"], services].concat());
        assert!(output.status.success(), "{}", told(&output));
        let limit = Instant::now() + Duration::from_secs(180);
        loop {
            let states = self.states();
            let waiting: Vec<_> = states.iter().filter(|(_, state)| !state.contains("(healthy)")).collect();
            if waiting.is_empty() && !states.is_empty() {
                return;
            }
            let lost = waiting.iter().any(|(_, state)| state.starts_with("Exited") || state.contains("unhealthy"));
            let logs = || told(&self.compose(&["logs", "--tail=20", "--no-color"]));
            assert!(!lost && Instant::now() < limit, "not healthy: {waiting:?}\n{}", logs());
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Services and how Docker says they are.
    fn states(&self) -> BTreeMap<String, String> {
        let filter = format!("label=com.docker.compose.project={}", self.docker.project);
        let format = "{{.Label \"com.docker.compose.service\"}}\t{{.Status}}";
        let listed = text(&docker(&["ps", "--all", "--filter", &filter, "--format", format]));
        listed.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    /// The container of a service. By docker and not by compose, of which the
    /// older one takes a second for each question.
    fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.docker.project);
        let service = format!("label=com.docker.compose.service={service}");
        let listed = text(&docker(&["ps", "--quiet", "--filter", &project, "--filter", &service]));
        listed.trim().to_owned()
    }

    /// What a command says inside of a service.
    fn ask(&self, service: &str, words: &[&str]) -> String {
        let output = docker(&[&["exec", &self.container(service)], words].concat());
        assert!(output.status.success(), "{service} {words:?}: {}", told(&output));
        text(&output)
    }
}

fn redis_setting(project: &Project, service: &str, name: &str) -> String {
    let answer = project.ask(service, &["redis-cli", "config", "get", name]);
    answer.lines().nth(1).unwrap_or_default().to_owned()
}

fn postgres_settings(project: &Project) -> String {
    let question = "select current_setting('fsync'), current_setting('synchronous_commit'), \
                    current_setting('full_page_writes'), current_setting('max_connections')";
    project.ask("postgres", &["psql", "-qtAX", "-h", "127.0.0.1", "-U", "lockbench", "-d", "lockbench", "-c", question])
}

#[test]
fn the_build_of_images_says_what_it_lacks() {
    let build = root().join("docker/offline/build");
    let unknown = Command::new(&build).arg("mysql").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(told(&unknown).contains("no image named 'mysql'; there are: redis zookeeper"), "{}", told(&unknown));
    if !succeeds("docker", &["--version"]) {
        return support::skip("docker is not installed");
    }
    let no_engine = Command::new(&build).env("DOCKER_HOST", "unix:///nonexistent.sock").output().unwrap();
    assert_eq!(no_engine.status.code(), Some(3));
    assert!(
        told(&no_engine).contains("no Docker engine answers; start it, or set DOCKER_HOST"),
        "{}",
        told(&no_engine)
    );
}

#[test]
fn every_lock_system_comes_up_healthy_as_configured_and_goes_without_a_trace() {
    let Some(project) = Project::new("safe", "safe") else { return };
    project.up(&[]);
    assert_eq!(project.states().len(), 13, "{:?}", project.states());

    for service in ["redis", "redlock-1", "redlock-2", "redlock-3", "redlock-4", "redlock-5"] {
        assert_eq!(redis_setting(&project, service, "appendonly"), "yes", "{service}");
        assert_eq!(redis_setting(&project, service, "appendfsync"), "always", "{service}");
        // Independent of one another: none replicates.
        assert!(project.ask(service, &["redis-cli", "role"]).starts_with("master\n0\n"), "{service}");
    }
    assert_eq!(postgres_settings(&project).trim(), "on|on|on|1100");
    three_in_quorum(&project, "etcd", |node| {
        let status = project.ask(node, &["etcdctl", "endpoint", "status", "--write-out=json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let leader = status[0]["Status"]["leader"] == status[0]["Status"]["header"]["member_id"];
        if leader { "leader" } else { "follower" }.to_owned()
    });
    let members = project.ask("etcd-1", &["etcdctl", "member", "list"]);
    assert_eq!(members.lines().filter(|line| line.contains("started")).count(), 3, "{members}");
    three_in_quorum(&project, "zookeeper", |node| {
        let script = "exec 3<>/dev/tcp/127.0.0.1/2181 && printf srvr >&3 && grep '^Mode: ' <&3";
        let mode = project.ask(node, &["bash", "-c", script]);
        mode.trim().trim_start_matches("Mode: ").to_owned()
    });
    lockbenchs_own_image_drives_them(&project);
    lockbenchs_own_service_watches_them(&project);

    let output = project.compose(&["down", "--volumes", "--remove-orphans", "--timeout", "2"]);
    assert!(output.status.success(), "{}", told(&output));
    project.docker.assert_nothing_left();
}

fn three_in_quorum(project: &Project, system: &str, mode: impl Fn(&str) -> String) {
    let mut modes: Vec<String> = (1..=3).map(|node| mode(&format!("{system}-{node}"))).collect();
    modes.sort();
    assert_eq!(modes, ["follower", "follower", "leader"], "{system} of {}", project.docker.project);
}

/// The service `lockbench`, with the endpoints that the compose file gives it.
fn lockbenchs_own_image_drives_them(project: &Project) {
    let systems = "memory,redis,redlock,zookeeper,etcd,postgres:advisory";
    let settings = ["--set", "duration=2s", "--set", "warmup=100ms", "--set", "clients=4"];
    let run = ["run", "--rm", "-T", "lockbench", "run", "workloads/quickstart.toml", "-b", systems, "--format", "json"];
    let output = project.compose(&[&run[..], &settings].concat());
    assert!(output.status.success(), "{}", told(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        assert!(result["grants"].as_u64().unwrap() > 0, "{}", result["backend"]);
        assert_eq!(result["safety"]["double_grants_certain"], 0, "{}", result["backend"]);
    }
    let user = project.compose(&["run", "--rm", "-T", "--entrypoint", "id", "lockbench", "-u"]);
    assert_eq!(text(&user).trim(), "10001", "{}", told(&user));
}

/// The same service for good, as `up` starts it, and the Prometheus beside it.
fn lockbenchs_own_service_watches_them(project: &Project) {
    project.up(&["lockbench", "prometheus"]);
    let query = "sum by (backend) (lockbench_grants_total) > 20 and on (backend) lockbench_up == 1";
    let limit = Instant::now() + Duration::from_secs(90);
    loop {
        let told = project.ask("prometheus", &["promtool", "query", "instant", "http://127.0.0.1:9090", query]);
        let missing: Vec<_> = WATCHED.iter().filter(|name| !told.contains(&format!("backend=\"{name}\""))).collect();
        if missing.is_empty() {
            break;
        }
        assert!(Instant::now() < limit, "Prometheus has not seen grants of {missing:?}: {told}");
        std::thread::sleep(Duration::from_secs(1));
    }
    let query = "lockbench_double_grants_total > 0 or ALERTS{alertname=~\"LockbenchDoubleGrant.*\"}";
    let violated = project.ask("prometheus", &["promtool", "query", "instant", "http://127.0.0.1:9090", query]);
    assert_eq!(violated.trim(), "");
    // What it started goes with it, and its verdict is told: a service that is stopped.
    let container = project.container("lockbench");
    docker(&["stop", "--time", "20", &container]);
    let code = text(&docker(&["inspect", "--format", "{{.State.ExitCode}}", &container]));
    assert_eq!(code.trim(), "0", "{}", told(&docker(&["logs", "--tail", "40", &container])));
}

#[test]
fn fast_means_that_nothing_waits_for_the_disk_and_the_label_says_so() {
    let Some(project) = Project::new("fast", "fast") else { return };
    project.up(&["redis", "postgres", "etcd-1", "etcd-2", "etcd-3", "zookeeper-1", "zookeeper-2", "zookeeper-3"]);
    assert_eq!(redis_setting(&project, "redis", "appendonly"), "no");
    assert_eq!(redis_setting(&project, "redis", "save"), "");
    assert_eq!(postgres_settings(&project).trim(), "off|off|off|1100");
    // These two do not tell; what they were given is what there is to see.
    let given = |service: &str| {
        let format = "{{json .Config.Env}}{{json .Config.Labels}}";
        text(&docker(&["inspect", "--format", format, &project.container(service)]))
    };
    let (etcd, zookeeper) = (given("etcd-1"), given("zookeeper-1"));
    assert!(etcd.contains("ETCD_UNSAFE_NO_FSYNC=true"), "{etcd}");
    assert!(zookeeper.contains("-Dzookeeper.forceSync=no"), "{zookeeper}");
    assert!(etcd.contains(r#""lockbench.durability":"fast""#), "{etcd}");
}
