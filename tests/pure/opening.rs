//! Tests of a trial's beginning: a client that cannot open its session fails the trial, whichever
//! client it is and however the workers share them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lockbench::backend::{self, Target};
use lockbench::clock::Clock;
use lockbench::load::{Armed, LoadError, Spec, Steering, run_virtual};
use lockbench::lock::{Facts, Guarantees, Key, Local, LockSystem, Opening, Session, Survey, SystemError};
use lockbench::record::figures::Schedule;
use lockbench::stop::Stop;
use lockbench::workload::parse;

/// What the full server says.
const FULL: &str = "ERR max number of clients reached";

/// A server with room for so many sessions, which then refuses or panics.
struct Full {
    inner: Arc<dyn LockSystem>,
    room: AtomicU32,
    panics: bool,
}

impl LockSystem for Full {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn guarantees(&self) -> &Guarantees {
        self.inner.guarantees()
    }

    fn addresses(&self) -> Vec<String> {
        self.inner.addresses()
    }

    fn facts(&self) -> Local<'_, Result<Facts, SystemError>> {
        self.inner.facts()
    }

    fn prepare<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.inner.prepare(keys)
    }

    fn open(&self, opening: Opening) -> Local<'_, Result<Box<dyn Session>, SystemError>> {
        let room = self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if room.is_ok() {
            return self.inner.open(opening);
        }
        assert!(!self.panics, "a client library's bug");
        let error = SystemError::new("memory", "here", FULL);
        Box::pin(async move { Err(error) })
    }

    fn survey<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<Survey, SystemError>> {
        self.inner.survey(keys)
    }

    fn clean<'a>(&'a self, keys: &'a [Key]) -> Local<'a, Result<(), SystemError>> {
        self.inner.clean(keys)
    }
}

fn spec(room: u32, clients: u32, workers: u32, panics: bool, clock: Clock) -> Spec {
    let text = format!(
        "clients = {clients}\nkeys = \"single\"\nhold = \"1ms\"\nthink = \"1ms\"\nwarmup = \"10ms\"\n\
         duration = \"20ms\"\nacquire = {{ mode = \"wait\", timeout = \"500ms\" }}\n"
    );
    let plan = parse("opening.toml", &text, &[]).unwrap().0;
    let target = Target {
        endpoints: Vec::new(),
        namespace: "opening".to_owned(),
        ours: true,
        scratch: PathBuf::new(),
        clock,
        options: Default::default(),
    };
    let inner = (backend::Registry::builtin().find("memory").unwrap().connect)(target).unwrap();
    Spec {
        system: Arc::new(Full { inner, room: AtomicU32::new(room), panics }),
        ttl_ns: plan.ttl_ns,
        plan: Arc::new(plan),
        trial: 1,
        keys: Arc::from([Key { index: 0, name: "k0".into() }]),
        clock,
        workers,
        stop: Stop::new(),
        steering: Steering::default(),
        faults: None,
        truth: None,
        grids: Default::default(),
        processes: None,
    }
}

#[test]
fn a_session_that_cannot_be_opened_fails_the_trial_whichever_worker_wanted_it() {
    for (room, clients, workers) in [(0, 1, 1), (1, 2, 1), (1, 2, 2), (3, 4, 2), (7, 8, 4), (0, 4, 4)] {
        let armed = Armed::new(spec(room, clients, workers, false, Clock::monotonic()));
        let error = armed.err().expect("one client has no session");
        assert!(error.to_string().contains(FULL), "{room} of {clients} on {workers} workers: {error}");
    }
    assert!(Armed::new(spec(4, 4, 2, false, Clock::monotonic())).is_ok());
}

#[test]
fn a_worker_that_panics_while_it_opens_fails_the_trial() {
    let armed = Armed::new(spec(1, 2, 2, true, Clock::monotonic()));
    assert!(matches!(armed.err(), Some(LoadError::Worker(_))));
}

#[test]
fn a_stop_while_sessions_are_opened_is_no_failure_of_the_system() {
    let spec = spec(2, 2, 2, false, Clock::monotonic());
    spec.stop.abort();
    assert!(matches!(Armed::new(spec).err(), Some(LoadError::Stopped)));
}

#[tokio::test(start_paused = true)]
async fn a_trial_in_virtual_time_fails_alike() {
    // The first session that fails leaves nothing to close: its worker ends in the same moment.
    for room in [0, 1] {
        let clock = Clock::virtual_time();
        let spec = spec(room, 2, 1, false, clock);
        spec.system.prepare(&spec.keys).await.unwrap();
        let schedule = Schedule::new(clock.now() + 1_000_000, spec.plan.warmup_ns, spec.plan.duration_ns);
        let error = run_virtual(spec, &schedule, &mut []).await.err();
        assert!(error.is_some_and(|error| error.to_string().contains(FULL)));
    }
}
