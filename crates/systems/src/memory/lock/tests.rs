use super::{Flaws, MemorySystem};
use crate::memory::GUARANTEES;
use lockbench_core::clock::{Clock, Timer};
use lockbench_core::lock::{
    Acquire, Deadline, Grant, Key, LockSystem, Opening, Patience, Release, Renewal, Retry, Session,
};
use lockbench_core::stop::Stop;

const MS: u64 = 1_000_000;
const TTL: u64 = 100 * MS;

struct Bench {
    system: MemorySystem,
    timer: Timer,
    key: Key,
}

impl Bench {
    async fn new() -> Self {
        let clock = Clock::virtual_time();
        let system = MemorySystem::new("memory", GUARANTEES, clock, Flaws::default());
        let key = Key { index: 0, name: "k".into() };
        system.prepare(std::slice::from_ref(&key)).await.unwrap();
        Self { system, timer: Timer::new(clock), key }
    }

    async fn open(&self, client: u32) -> Box<dyn Session> {
        let retry = Retry::Fixed { delay_ns: MS };
        let timer = self.timer.clone();
        let opening = Opening { client, ttl_ns: TTL, timer, retry, seed: 0, request_timeout_ns: MS };
        self.system.open(opening).await.unwrap()
    }

    fn within(&self, ns: u64) -> Patience {
        Patience::Until(Deadline::new(self.timer.now() + ns, self.timer.clone(), Stop::new()))
    }
}

fn granted(outcome: Acquire) -> Grant {
    match outcome {
        Acquire::Acquired(grant) => grant,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order_of_arrival_and_a_try_does_not_pass_them() {
    let bench = Bench::new().await;
    let (mut a, mut b, mut c, mut d) =
        (bench.open(0).await, bench.open(1).await, bench.open(2).await, bench.open(3).await);
    let patience = bench.within(10 * TTL);
    let first = granted(a.acquire(&bench.key, &patience).await);
    let (mut wait_b, mut wait_c) = (b.acquire(&bench.key, &patience), c.acquire(&bench.key, &patience));
    tokio::select! {
        biased;
        _ = &mut wait_b => panic!("b is early"),
        _ = &mut wait_c => panic!("c is early"),
        () = bench.timer.sleep(MS) => {}
    }
    assert_eq!(a.release(first).await, Release::Confirmed);
    // Free for no instant: b has it although it has not run yet.
    assert_eq!(d.acquire(&bench.key, &Patience::Try).await, Acquire::Refused);
    let second = granted(wait_b.await);
    assert_eq!(second.token(), Some(2));
    bench.timer.sleep(TTL).await;
    // b overstays; c takes over when the lease ends, and a try still cannot pass it.
    assert_eq!(d.acquire(&bench.key, &Patience::Try).await, Acquire::Refused);
    assert_eq!(granted(wait_c.await).token(), Some(3));
    assert_eq!(b.release(second).await, Release::NotOwner);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_looks_too_late_queues_again_instead_of_timing_out_early() {
    let bench = Bench::new().await;
    let (mut a, mut b) = (bench.open(0).await, bench.open(1).await);
    let patience = bench.within(100 * TTL);
    let first = granted(a.acquire(&bench.key, &patience).await);
    let mut wait = b.acquire(&bench.key, &patience);
    tokio::select! {
        biased;
        _ = &mut wait => panic!("b is early"),
        () = bench.timer.sleep(MS) => {}
    }
    assert_eq!(a.release(first).await, Release::Confirmed);
    // b is not polled until the lease that it was given is over.
    bench.timer.sleep(2 * TTL).await;
    let grant = granted(wait.await);
    assert!(grant.validity_ns() > bench.timer.now());
    assert_eq!(grant.token(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn the_next_in_line_watches_the_lease_when_the_first_gives_up() {
    let bench = Bench::new().await;
    let (mut a, mut b, mut c) = (bench.open(0).await, bench.open(1).await, bench.open(2).await);
    let (short, long) = (bench.within(10 * MS), bench.within(100 * TTL));
    let mut grant = granted(a.acquire(&bench.key, &long).await);
    let start = bench.timer.now();
    let waiting = async { tokio::join!(b.acquire(&bench.key, &short), c.acquire(&bench.key, &long)) };
    let renewing = async {
        bench.timer.sleep(TTL / 2).await;
        a.renew(&mut grant).await
    };
    let ((b, c), renewed) = tokio::join!(waiting, renewing);
    assert_eq!((b, renewed), (Acquire::TimedOut, Renewal::Confirmed));
    // The holder never releases: c gets the key when the renewed lease ends.
    assert_eq!(granted(c).validity_ns() - start, TTL / 2 + 2 * TTL);
}

#[tokio::test(start_paused = true)]
async fn a_try_is_granted_as_soon_as_the_lease_of_an_overstaying_holder_is_over() {
    let bench = Bench::new().await;
    let (mut a, mut b) = (bench.open(0).await, bench.open(1).await);
    let first = granted(a.acquire(&bench.key, &Patience::Try).await);
    bench.timer.sleep(TTL - MS).await;
    assert_eq!(b.acquire(&bench.key, &Patience::Try).await, Acquire::Refused);
    bench.timer.sleep(MS).await;
    assert_eq!(granted(b.acquire(&bench.key, &Patience::Try).await).token(), Some(2));
    assert_eq!(a.release(first).await, Release::NotOwner);
}
