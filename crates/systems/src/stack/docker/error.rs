//! Why containers could not be had, in words that say what to do next.

use std::path::PathBuf;

use crate::ServerKind;

/// Why there is no server in a container.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DockerError {
    /// There is no client of Docker.
    #[error("docker was not found in PATH; install Docker, or use --stack local")]
    NoClient,
    /// The client has nobody to talk to.
    #[error(
        "the Docker engine does not answer: {problem}; start it (`systemctl start docker`), or look at \
         `docker context ls` and DOCKER_HOST, and whether this user may use its socket"
    )]
    NoEngine {
        /// What the client said.
        problem: String,
    },
    /// There is no compose.
    #[error("neither `docker compose` nor docker-compose was found; install one of them")]
    NoCompose,
    /// No compose file by default.
    #[error("docker/compose.yaml was found neither in {from} nor above it; name the file with --compose FILE")]
    NoFile {
        /// Where the search began.
        from: PathBuf,
    },
    /// A given compose file is not there, or compose does not accept it.
    #[error("{file}: {problem}")]
    File {
        /// The file, or the list of them.
        file: String,
        /// What compose said of it.
        problem: String,
    },
    /// The compose file is somebody else's.
    #[error(
        "{file} is not a compose file of lockbench: none of its services has the label lockbench.kind; \
         nothing was started; name the right file with --compose"
    )]
    ForeignFile {
        /// The file, or the list of them.
        file: String,
    },
    /// The file has no server of that kind.
    #[error("{file} has no service with the label lockbench.kind={kind}; it has {has}")]
    NoService {
        /// The file, or the list of them.
        file: String,
        /// Kind asked for.
        kind: ServerKind,
        /// Kinds that it has.
        has: String,
    },
    /// Containers of that project name were made from another file.
    #[error(
        "the compose project \"{project}\" exists already and was made from {theirs}, not from {ours}; \
         nothing was touched; choose another name with --project"
    )]
    ForeignProject {
        /// Name of the project.
        project: String,
        /// Directory or file that its containers name.
        theirs: String,
        /// The same of ours.
        ours: String,
    },
    /// Containers of that project have nothing to do with us.
    #[error(
        "none of the containers of the compose project \"{project}\" ({names}) has the label lockbench.kind: \
         it is not lockbench's, and was not touched; name the right one with --project"
    )]
    NotOurs {
        /// Name of the project.
        project: String,
        /// Some of its containers.
        names: String,
    },
    /// A published port is not free.
    #[error("{service}: port {port} of this machine is taken{by}; free it, or choose another: {variable}=PORT")]
    PortTaken {
        /// The service that wanted it.
        service: String,
        /// The port.
        port: u16,
        /// `, by the container x` or `, by redis-server (pid 7)`, where known.
        by: String,
        /// The variable of the compose file that names the port.
        variable: String,
    },
    /// Compose could not start a service.
    #[error("compose cannot start {services}: {problem}")]
    NotStarted {
        /// The services.
        services: String,
        /// What compose said.
        problem: String,
    },
    /// A container ended or its health check failed for good.
    #[error("{service}: the container {what}{health}; its last lines:{log}")]
    Unhealthy {
        /// The service.
        service: String,
        /// `ended (exit status 1)` or `is unhealthy`.
        what: String,
        /// What its health check said last, if anything.
        health: String,
        /// Last lines of its log, each on a line of its own.
        log: String,
    },
    /// It did not get healthy in time.
    #[error("{service}: not healthy within {limit_s} s{health}; give it longer with --within; its last lines:{log}")]
    Late {
        /// The service.
        service: String,
        /// How long we waited, in seconds.
        limit_s: u64,
        /// What its health check said last, if anything.
        health: String,
        /// Last lines of its log, each on a line of its own.
        log: String,
    },
    /// Somebody left it in a state that is neither up nor down.
    #[error("{service} of the compose project \"{project}\" {state}; take it down first: `{remedy}`")]
    LeftBroken {
        /// The service.
        service: String,
        /// The project.
        project: String,
        /// `has exited`, `runs with durability fast, asked for is safe`.
        state: String,
        /// The command that takes it down.
        remedy: String,
    },
    /// The labels or the ports of a container do not say what we need.
    #[error("{service}: {problem}; see the labels of docker/compose.yaml")]
    Odd {
        /// The service.
        service: String,
        /// What is missing or wrong.
        problem: String,
    },
    /// Healthy, but not for us.
    #[error("{service} is healthy, but {address} does not answer ({problem}); does the engine run on another machine?")]
    Unreachable {
        /// The service.
        service: String,
        /// Its published address.
        address: String,
        /// What a connection got.
        problem: String,
    },
    /// A call of the engine failed.
    #[error("`{call}` failed: {problem}")]
    Call {
        /// The command line.
        call: String,
        /// What it said.
        problem: String,
    },
    /// The user asked to stop.
    #[error("stopped while containers were starting")]
    Interrupted,
}
