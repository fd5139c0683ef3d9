//! The whole of `docker/compose.yaml` on a real Docker engine, with the stand-in
//! images of `docker/offline`: from nothing to healthy, each server asked whether
//! it runs as configured, lockbench's own image beside them, and nothing left.
//!
//! `LOCKBENCH_TEST_IMAGES=official` takes the official images instead, where a
//! registry can be reached.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const FILE: &str = "docker/compose.yaml";
const OVERRIDE: &str = "docker/offline/compose.override.yaml";
const SYSTEMS: &str = "redis,redlock,zookeeper,etcd,postgres";

/// Every variable of a published port.
const PORTS: [&str; 16] = [
    "REDIS_PORT",
    "REDLOCK_1_PORT",
    "REDLOCK_2_PORT",
    "REDLOCK_3_PORT",
    "REDLOCK_4_PORT",
    "REDLOCK_5_PORT",
    "ZOOKEEPER_1_PORT",
    "ZOOKEEPER_2_PORT",
    "ZOOKEEPER_3_PORT",
    "ETCD_1_PORT",
    "ETCD_2_PORT",
    "ETCD_3_PORT",
    "POSTGRES_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
    "METRICS_PORT",
];

fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A compose project of this test's own; gone, with all that is in it, when dropped.
struct Project {
    name: String,
    compose: Vec<&'static str>,
    files: Vec<&'static str>,
    environment: BTreeMap<String, String>,
}

impl Project {
    /// Images built, nothing started. `None`, visibly, where this cannot be.
    fn new(name: &str, durability: &str) -> Option<Self> {
        let compose = [vec!["docker", "compose"], vec!["docker-compose"]];
        let works = |words: &Vec<&str>| succeeds(words[0], &[&words[1..], &["version"]].concat());
        let Some(compose) = compose.into_iter().find(works) else {
            support::skip_docker("neither `docker compose` nor `docker-compose` is installed");
            return None;
        };
        if !succeeds("docker", &["version"]) {
            support::skip_docker("no Docker engine answers (`docker version`)");
            return None;
        }
        let official = std::env::var("LOCKBENCH_TEST_IMAGES").is_ok_and(|value| value == "official");
        let files = if official { vec![FILE] } else { vec![FILE, OVERRIDE] };
        if !official && !offline_images() {
            return None;
        }
        // All held at once, so that no two are the same.
        let held: Vec<TcpListener> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = PORTS.iter().zip(&held);
        let mut environment: BTreeMap<String, String> =
            ports.map(|(name, port)| ((*name).to_owned(), port.local_addr().unwrap().port().to_string())).collect();
        environment.insert("COMPOSE_PROFILES".to_owned(), SYSTEMS.to_owned());
        environment.insert("LOCKBENCH_DURABILITY".to_owned(), durability.to_owned());
        Some(Self { name: format!("lockbench-test-{name}-{}", std::process::id()), compose, files, environment })
    }

    fn compose(&self, args: &[&str]) -> Output {
        let mut command = Command::new(self.compose[0]);
        command.args(&self.compose[1..]).current_dir(env!("CARGO_MANIFEST_DIR"));
        for file in &self.files {
            command.args(["-f", file]);
        }
        command.args(["-p", &self.name]).args(args).envs(&self.environment).env_remove("COMPOSE_FILE").output().unwrap()
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
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let format = "{{.Label \"com.docker.compose.service\"}}\t{{.Status}}";
        let output = Command::new("docker").args(["ps", "--all", "--filter", &filter, "--format", format]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    /// The container of a service. By docker and not by compose, of which the
    /// older one takes a second for each question.
    fn container(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = format!("label=com.docker.compose.service={service}");
        let filters = ["--filter", &project, "--filter", &service];
        let output = Command::new("docker").args(["ps", "--quiet"]).args(filters).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What a command says inside of a service.
    fn ask(&self, service: &str, words: &[&str]) -> String {
        let output = Command::new("docker").args(["exec", &self.container(service)]).args(words).output().unwrap();
        assert!(output.status.success(), "{service} {words:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Containers, networks and volumes of the project.
    fn remains(&self) -> String {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let kinds = [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]];
        let lists = kinds.map(|kind| {
            let output = Command::new("docker").args(kind).args(["--quiet", "--filter", &filter]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        });
        lists.concat()
    }

    fn down(&self) -> Output {
        self.compose(&["down", "--volumes", "--remove-orphans", "--timeout", "2"])
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.down();
    }
}

/// Builds what is not there yet. False, visibly, where this machine cannot.
fn offline_images() -> bool {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/offline/build"))
        .args(["redis", "zookeeper", "etcd", "postgres", "lockbench"])
        .env("LOCKBENCH_BIN", env!("CARGO_BIN_EXE_lockbench"))
        .output()
        .unwrap();
    if output.status.code() == Some(3) {
        support::skip_docker(&told(&output));
        return false;
    }
    assert!(output.status.success(), "{}", told(&output));
    true
}

/// One at a time, in this process and among others: thirteen servers at once are enough.
fn alone() -> File {
    let file = File::create(std::env::temp_dir().join("lockbench-test-docker.lock")).unwrap();
    file.lock().unwrap();
    file
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
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/offline/build");
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
    if !support::live("so no container is started") {
        return;
    }
    let _alone = alone();
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

    let output = project.down();
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(project.remains(), "", "something of {} is left", project.name);
}

fn three_in_quorum(project: &Project, system: &str, mode: impl Fn(&str) -> String) {
    let mut modes: Vec<String> = (1..=3).map(|node| mode(&format!("{system}-{node}"))).collect();
    modes.sort();
    assert_eq!(modes, ["follower", "follower", "leader"], "{system} of {}", project.name);
}

/// The service `lockbench`, with the endpoints that the compose file gives it.
fn lockbenchs_own_image_drives_them(project: &Project) {
    let systems = "memory,redis,redlock,zookeeper,etcd,postgres:advisory";
    let settings = ["--set", "duration=500ms", "--set", "warmup=100ms", "--set", "clients=4"];
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
    assert_eq!(String::from_utf8_lossy(&user.stdout).trim(), "10001", "{}", told(&user));
}

#[test]
fn fast_means_that_nothing_waits_for_the_disk_and_the_label_says_so() {
    if !support::live("so no container is started") {
        return;
    }
    let _alone = alone();
    let Some(project) = Project::new("fast", "fast") else { return };
    project.up(&["redis", "postgres", "etcd-1", "etcd-2", "etcd-3", "zookeeper-1", "zookeeper-2", "zookeeper-3"]);
    assert_eq!(redis_setting(&project, "redis", "appendonly"), "no");
    assert_eq!(redis_setting(&project, "redis", "save"), "");
    assert_eq!(postgres_settings(&project).trim(), "off|off|off|1100");
    // These two do not tell; what they were given is what there is to see.
    let given = |service: &str| {
        let format = "{{json .Config.Env}}{{json .Config.Labels}}";
        let words = ["inspect", "--format", format, &project.container(service)];
        String::from_utf8(Command::new("docker").args(words).output().unwrap().stdout).unwrap()
    };
    let (etcd, zookeeper) = (given("etcd-1"), given("zookeeper-1"));
    assert!(etcd.contains("ETCD_UNSAFE_NO_FSYNC=true"), "{etcd}");
    assert!(zookeeper.contains("-Dzookeeper.forceSync=no"), "{zookeeper}");
    assert!(etcd.contains(r#""lockbench.durability":"fast""#), "{etcd}");
}
