//! What can be wrong with Docker: one clear message, exit 3, and nothing is left.

use crate::support;
use crate::support::docker;
use std::net::TcpListener;
use std::time::Duration;

use crate::support::cli::{Place, Ran, Running};
use crate::support::docker::Docker;

const LIMIT: Duration = Duration::from_secs(120);

fn run(docker: &Docker, place: &Place, arguments: &[&str]) -> Ran {
    Running::start(&mut docker.command(place, arguments)).finish(LIMIT)
}

/// A compose file with one server, and what is wrong with it.
fn compose(place: &Place, service: &str) -> String {
    let text = format!(
        "services:\n  redis:\n    image: lockbench-offline/redis:debian-12\n    ports: [\"127.0.0.1:${{REDIS_PORT}}:6379\"]\n{service}"
    );
    place.file("compose.yaml", &text).display().to_string()
}

const LABELS: &str = "    labels:\n      lockbench.kind: redis\n      lockbench.port: \"6379\"\n      lockbench.url: redis://{address}\n";

#[test]
fn a_taken_port_is_named_with_who_has_it_and_what_to_set() {
    let Some(docker) = Docker::or_skip("port") else { return };
    let place = Place::new();
    let port = docker.ports["ETCD_2_PORT"];
    let held = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ran = run(&docker, &place, &["up", "redis", "etcd", "--stack", "docker"]).exits(3);
    ran.complains(&[
        &format!("etcd: etcd-2: port {port} of this machine is taken"),
        "choose another: ETCD_2_PORT=PORT",
    ]);
    docker.assert_nothing_left();
    // The same for a run: the system is skipped, asked for by name.
    let workload = Place::shipped("hot-key.toml");
    let arguments = ["run", &workload, "-b", "etcd", "--stack", "docker", "--ui", "none"];
    run(&docker, &place, &arguments).exits(3).tells(&["ETCD_2_PORT=PORT"]);
    docker.assert_nothing_left();
    drop(held);
}

#[test]
fn a_service_that_never_gets_healthy_is_quoted_and_taken_down() {
    let Some(docker) = Docker::or_skip("health") else { return };
    let place = Place::new();
    let check = |test: &str| {
        format!("{LABELS}    healthcheck: {{test: [\"CMD-SHELL\", \"{test}\"], interval: 1s, retries: 2}}\n")
    };
    // Two checks a second apart say that it is unhealthy, later on a busy machine: only what never says so runs out of time.
    for (within, service, said) in [
        (
            "60s",
            check("echo no luck; false"),
            &["redis: the container is unhealthy", "its health check said: no luck", "\n    | "][..],
        ),
        ("3s", check("sleep 60"), &["redis: not healthy within 3 s", "--within"]),
        (
            "60s",
            format!("{}    command: [\"sh\", \"-c\", \"echo broken; exit 7\"]\n", check("true")),
            &["has exited (exit status 7)", "| broken"],
        ),
        ("60s", LABELS.to_owned(), &["has no health check"]),
    ] {
        let file = compose(&place, &service);
        let arguments = ["up", "redis", "--stack", "docker", "--within", within, "--compose", &file];
        run(&docker, &place, &arguments).exits(3).complains(said);
        docker.assert_nothing_left();
    }
}

#[test]
fn what_belongs_to_another_project_is_not_touched() {
    let Some(docker) = Docker::or_skip("foreign") else { return };
    let (theirs, place) = (Place::new(), Place::new());
    let file = compose(&theirs, "");
    // Their file: none of its services is ours.
    let arguments = ["up", "redis", "--stack", "docker", "--compose", &file];
    run(&docker, &place, &arguments).exits(3).complains(&[
        "is not a compose file of lockbench",
        "lockbench.kind",
        "--compose",
    ]);
    docker.assert_nothing_left();
    // Their containers, under the name that we would use.
    let up = docker::docker(&[
        "run",
        "--detach",
        "--label",
        &format!("com.docker.compose.project={}", docker.project),
        "--label",
        "com.docker.compose.service=web",
        "--label",
        "com.docker.compose.project.working_dir=/srv/theirs",
        "lockbench-offline/redis:debian-12",
    ]);
    assert!(up.status.success(), "{up:?}");
    let there = docker.left();
    assert_eq!(there.len(), 1);
    let ran = run(&docker, &place, &["up", "redis", "--stack", "docker"]).exits(3);
    ran.complains(&["exists already and was made from /srv/theirs", "--project"]);
    run(&docker, &place, &["down", "--stack", "docker"]).exits(3).complains(&["(web)", "was not touched"]);
    let ran = run(&docker, &place, &["down"]).exits(0).tells(&["nothing to stop"]);
    ran.complains(&["containers were left alone", "was not touched"]);
    assert_eq!(docker.left(), there);
}

#[test]
fn without_an_engine_or_a_file_the_message_says_what_to_do() {
    let place = Place::new();
    let workload = Place::shipped("hot-key.toml");
    let mut command = place.command(&["up", "redis", "--stack", "docker"]);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let ran = Running::start(&mut command).finish(LIMIT).exits(3);
    if ran.err.contains("docker was not found") {
        return support::skip_docker("there is no docker command");
    }
    ran.complains(&["the Docker engine does not answer", "/nowhere/docker.sock", "systemctl start docker"]);
    let mut command = place.command(&["run", &workload, "-b", "redis", "--stack", "docker", "--ui", "none"]);
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    Running::start(&mut command).finish(LIMIT).exits(3).tells(&["the Docker engine does not answer"]);
    let mut command = place.command(&["up", "redis", "--stack", "docker"]);
    command.env("PATH", "/nowhere");
    Running::start(&mut command).finish(LIMIT).exits(3).complains(&["docker was not found in PATH", "--stack local"]);
    place.run(&["up", "--stack", "external"]).exits(2).in_one_message();
    place.run(&["up", "memory"]).exits(2).complains(&["needs no server"]);
    if Docker::or_skip("file").is_some() {
        let ran = place.run(&["up", "redis", "--stack", "docker"]).exits(3);
        ran.complains(&["docker/compose.yaml was found neither in", "--compose FILE"]);
        let ran = place.run(&["up", "redis", "--stack", "docker", "--compose", "no.yaml"]).exits(3);
        ran.complains(&["no.yaml", "No such file"]);
        place.file("bad.yaml", "services: [\n");
        place.run(&["up", "redis", "--stack", "docker", "--compose", "bad.yaml"]).exits(3).complains(&["bad.yaml"]);
    }
}
