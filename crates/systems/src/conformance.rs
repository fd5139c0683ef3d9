//! One suite that every correct lock recipe passes, against its real server
//! where it has one. It checks what the engine and the oracle rely on: outcomes
//! mean what `lock` says, tokens grow, leases lapse, withdrawn waiters leave no
//! ghost, and one client is one identity.
//!
//! The suite returns what it found instead of asserting, so that it can also be
//! pointed at a third party's server.

use lockbench_core::clock::Timer;
use lockbench_core::lock::{
    Acquire, Agreement, Deadline, Grant, Key, LockSystem, Mode, NO_LEASE, Opening, Patience, Persistence, Release,
    Renewal, RenewalKind, Retry, Session, Ways,
};
use lockbench_core::stop::Stop;

const MS: u64 = 1_000_000;

/// What the suite needs to know about its surroundings.
#[derive(Clone)]
pub struct Setting {
    /// The timer of the current worker.
    pub timer: Timer,
    /// Lease length to ask for, at least the system's floor.
    pub ttl_ns: u64,
    /// Prefix for key names.
    pub prefix: String,
}

/// Runs every check in order.
///
/// # Errors
/// The first broken rule, in one sentence.
pub async fn suite(system: &dyn LockSystem, setting: &Setting) -> Result<(), String> {
    let keys: Vec<Key> =
        (0..4).map(|index| Key { index, name: format!("{}-{index}", setting.prefix).into() }).collect();
    let bench = Bench { system, setting, keys: &keys };
    bench.check(system.prepare(&keys).await, "prepare")?;
    let facts = bench.check(system.facts().await, "facts")?;
    let (durability, quorum) = (facts.durability.as_str(), facts.quorum.to_string());
    let told = [facts.version.as_str(), durability, &quorum, &facts.role];
    rule(told.iter().all(|fact| !fact.is_empty()), "facts are empty")?;
    rule(Persistence::from(durability) == facts.durability, "a stored report reads another durability")?;
    rule(Agreement::from(quorum) == facts.quorum, "a stored report reads another quorum")?;
    bench.a_free_key_is_granted_and_released().await?;
    bench.a_held_key_is_refused_and_times_out().await?;
    bench.keys_do_not_disturb_each_other().await?;
    bench.a_waiter_gets_the_key_after_release().await?;
    bench.a_withdrawn_waiter_leaves_no_ghost().await?;
    bench.tokens_grow().await?;
    bench.renewal_keeps_the_lease().await?;
    bench.a_lapsed_lease_frees_the_key_and_its_holder_is_told().await?;
    bench.a_closed_session_frees_nothing_of_others().await?;
    bench.readers_share_a_lock_that_writers_have_alone().await?;
    bench.a_semaphore_has_so_many_permits().await?;
    bench.check(system.clean(&keys).await, "clean")?;
    Ok(())
}

fn rule(holds: bool, broken: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken.to_owned()) }
}

struct Bench<'a> {
    system: &'a dyn LockSystem,
    setting: &'a Setting,
    keys: &'a [Key],
}

impl Bench<'_> {
    fn check<T>(&self, result: Result<T, impl std::fmt::Display>, what: &str) -> Result<T, String> {
        result.map_err(|error| format!("{what}: {error}"))
    }

    async fn open(&self, client: u32) -> Result<Box<dyn Session>, String> {
        let opening = Opening {
            client,
            ttl_ns: self.setting.ttl_ns,
            timer: self.setting.timer.clone(),
            retry: Retry::Fixed { delay_ns: 2 * MS },
            seed: u64::from(client),
            request_timeout_ns: 5_000 * MS,
        };
        self.check(self.system.open(opening).await, "open")
    }

    fn within(&self, ns: u64) -> Patience {
        let timer = self.setting.timer.clone();
        Patience::Until(Deadline::new(timer.now() + ns, timer, Stop::new()))
    }

    /// Returns whether a client may wait.
    fn waits(&self) -> bool {
        self.system.guarantees().ways != Ways::Once
    }

    /// Returns whether a wait that is broken off ends then: who can only wait cannot leave the queue.
    fn withdraws(&self) -> bool {
        self.system.guarantees().ways != Ways::Waiting
    }

    /// Patience for a lock that is free.
    fn at_once(&self) -> Patience {
        if self.withdraws() { Patience::Try } else { self.within(5_000 * MS) }
    }

    /// Another has it. Who can only wait waits in vain, and is told so once the lock has come and was given back.
    async fn refused(&self, session: &mut dyn Session, key: &Key, why: &str) -> Result<(), String> {
        if !self.withdraws() {
            return Ok(());
        }
        let outcome = session.acquire(key, &Patience::Try).await;
        rule(outcome == Acquire::Refused, &format!("{why}: expected Refused, got {outcome:?}"))
    }

    async fn granted(&self, session: &mut dyn Session, key: &Key, patience: &Patience) -> Result<Grant, String> {
        let asked = self.setting.timer.now();
        let outcome = session.acquire(key, patience).await;
        self.is_a_grant(outcome, asked, session)
    }

    /// Of a lock that has modes: it is the last key, so that nobody takes a plain lock of it.
    async fn granted_as(&self, session: &mut dyn Session, mode: Mode, patience: &Patience) -> Result<Grant, String> {
        let asked = self.setting.timer.now();
        let outcome = session.acquire_as(&self.keys[3], mode, patience).await;
        self.is_a_grant(outcome, asked, session).map_err(|broken| format!("{}: {broken}", mode.name()))
    }

    async fn refused_as(&self, session: &mut dyn Session, mode: Mode, why: &str) -> Result<(), String> {
        let outcome = session.acquire_as(&self.keys[3], mode, &Patience::Try).await;
        rule(outcome == Acquire::Refused, &format!("{} {why}: expected Refused, got {outcome:?}", mode.name()))?;
        let outcome = session.acquire_as(&self.keys[3], mode, &self.within(60 * MS)).await;
        rule(outcome == Acquire::TimedOut, &format!("{} {why}: expected TimedOut, got {outcome:?}", mode.name()))
    }

    fn is_a_grant(&self, outcome: Acquire, asked: u64, session: &dyn Session) -> Result<Grant, String> {
        match outcome {
            Acquire::Acquired(grant) => {
                let leased = self.system.guarantees().lease;
                rule(leased == (grant.validity_ns() != NO_LEASE), "validity does not fit the promised lease")?;
                rule(grant.validity_ns() > asked, "a grant is already invalid")?;
                if leased {
                    let longest = self.setting.timer.now() + session.effective_ttl_ns().unwrap_or(u64::MAX / 2);
                    rule(grant.validity_ns() <= longest, "validity is longer than the lease")?;
                }
                let offered = self.system.guarantees().token.is_some();
                rule(offered == grant.token().is_some(), "the token does not fit what is promised")?;
                Ok(grant)
            }
            other => Err(format!("expected a grant, got {other:?}")),
        }
    }

    async fn released(&self, session: &mut dyn Session, grant: Grant) -> Result<(), String> {
        match session.release(grant).await {
            Release::Confirmed => Ok(()),
            other => Err(format!("expected a confirmed release, got {other:?}")),
        }
    }

    async fn a_free_key_is_granted_and_released(&self) -> Result<(), String> {
        let mut a = self.open(0).await?;
        for _ in 0..3 {
            let before = a.requests();
            let grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
            let holder = self.check(self.system.peek(&self.keys[0]).await, "peek")?;
            let holder = holder.ok_or("peek does not see the holder")?;
            rule(holder.token.is_none() || holder.token == grant.token(), "peek sees another token")?;
            let survey = self.check(self.system.survey(self.keys).await, "survey")?;
            let held: Vec<bool> = survey.holders.iter().map(Option::is_some).collect();
            rule(held == [true, false, false, false], "a survey gives a key another one's holder")?;
            self.released(&mut *a, grant).await?;
            rule(a.requests() >= before + 2, "requests are not counted")?;
            let holder = self.check(self.system.peek(&self.keys[0]).await, "peek")?;
            rule(holder.is_none(), "peek sees a holder after release")?;
        }
        a.close().await;
        Ok(())
    }

    async fn a_held_key_is_refused_and_times_out(&self) -> Result<(), String> {
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        self.refused(&mut *b, &self.keys[0], "a held key, one try").await?;
        if !self.waits() || !self.withdraws() {
            self.released(&mut *a, grant).await?;
            a.close().await;
            b.close().await;
            return Ok(());
        }
        let start = self.setting.timer.now();
        let outcome = b.acquire(&self.keys[0], &self.within(150 * MS)).await;
        rule(outcome == Acquire::TimedOut, &format!("a held key: expected TimedOut, got {outcome:?}"))?;
        rule(self.setting.timer.now() >= start + 140 * MS, "gave up before the deadline")?;
        self.released(&mut *a, grant).await?;
        let grant = self.granted(&mut *b, &self.keys[0], &self.at_once()).await?;
        self.released(&mut *b, grant).await?;
        a.close().await;
        b.close().await;
        Ok(())
    }

    async fn keys_do_not_disturb_each_other(&self) -> Result<(), String> {
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let first = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        let second = self.granted(&mut *b, &self.keys[1], &self.at_once()).await?;
        self.released(&mut *a, first).await?;
        self.refused(&mut *a, &self.keys[1], "release of one key freed another").await?;
        self.released(&mut *b, second).await?;
        a.close().await;
        b.close().await;
        Ok(())
    }

    async fn a_waiter_gets_the_key_after_release(&self) -> Result<(), String> {
        if !self.waits() {
            return Ok(());
        }
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        let patience = self.within(5_000 * MS);
        let waiting = self.granted(&mut *b, &self.keys[0], &patience);
        let releasing = async {
            self.setting.timer.sleep(100 * MS).await;
            let at = self.setting.timer.now();
            self.released(&mut *a, grant).await.map(|()| at)
        };
        let (got, released_at) = tokio::join!(waiting, releasing);
        let (got, released_at) = (got?, released_at?);
        rule(self.setting.timer.now() >= released_at, "granted before the release")?;
        self.released(&mut *b, got).await?;
        a.close().await;
        b.close().await;
        Ok(())
    }

    async fn a_withdrawn_waiter_leaves_no_ghost(&self) -> Result<(), String> {
        if !self.waits() || !self.withdraws() {
            return Ok(());
        }
        let (mut a, mut b, mut c) = (self.open(0).await?, self.open(1).await?, self.open(2).await?);
        let grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        // Brought forward, as at Ctrl-C.
        let stop = Stop::new();
        let timer = self.setting.timer.clone();
        let patience = Patience::Until(Deadline::new(timer.now() + 60_000 * MS, timer.clone(), stop.clone()));
        let start = timer.now();
        let stopping = async {
            timer.sleep(50 * MS).await;
            stop.drain();
        };
        let (outcome, ()) = tokio::join!(b.acquire(&self.keys[0], &patience), stopping);
        rule(outcome == Acquire::TimedOut, &format!("a deadline brought forward: expected TimedOut, got {outcome:?}"))?;
        rule(timer.now() < start + 30_000 * MS, "a deadline brought forward was not noticed")?;
        self.released(&mut *a, grant).await?;
        let grant = self.granted(&mut *c, &self.keys[0], &self.within(1_000 * MS)).await?;
        self.released(&mut *c, grant).await?;
        for session in [a, b, c] {
            session.close().await;
        }
        Ok(())
    }

    async fn tokens_grow(&self) -> Result<(), String> {
        if self.system.guarantees().token.is_none() {
            return Ok(());
        }
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let mut last = None;
        for _ in 0..3 {
            for session in [&mut a, &mut b] {
                let grant = self.granted(&mut **session, &self.keys[2], &self.at_once()).await?;
                rule(grant.token() > last, &format!("token {:?} does not follow {last:?}", grant.token()))?;
                last = grant.token();
                self.released(&mut **session, grant).await?;
            }
        }
        a.close().await;
        b.close().await;
        Ok(())
    }

    async fn renewal_keeps_the_lease(&self) -> Result<(), String> {
        if self.system.guarantees().renewal == RenewalKind::None {
            return Ok(());
        }
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let mut grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        let ttl = a.effective_ttl_ns().unwrap_or(self.setting.ttl_ns);
        for _ in 0..4 {
            self.setting.timer.sleep(ttl / 3).await;
            let before = grant.validity_ns();
            let renewal = a.renew(&mut grant).await;
            rule(renewal == Renewal::Confirmed, &format!("a live lease was not renewed: {renewal:?}"))?;
            rule(grant.validity_ns() > before, "a confirmed renewal did not move the validity")?;
        }
        self.refused(&mut *b, &self.keys[0], "a renewed lease did not hold").await?;
        self.released(&mut *a, grant).await?;
        a.close().await;
        b.close().await;
        Ok(())
    }

    /// Only where the client can stop renewing: a heartbeat system needs a fault for that.
    async fn a_lapsed_lease_frees_the_key_and_its_holder_is_told(&self) -> Result<(), String> {
        let guarantees = self.system.guarantees();
        if !guarantees.lease || guarantees.renewal != RenewalKind::Explicit {
            return Ok(());
        }
        let (mut a, mut b) = (self.open(0).await?, self.open(1).await?);
        let ttl = a.effective_ttl_ns().unwrap_or(self.setting.ttl_ns);
        let mut stale = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        let start = self.setting.timer.now();
        let fresh = self.granted(&mut *b, &self.keys[0], &self.within(3 * ttl + 1_000 * MS)).await?;
        rule(
            self.setting.timer.now() >= start.max(stale.validity_ns()),
            "the lease ended before its holder's validity",
        )?;
        let renewal = a.renew(&mut stale).await;
        rule(renewal == Renewal::Refused, &format!("a lapsed lease was renewed: {renewal:?}"))?;
        let release = a.release(stale).await;
        rule(release == Release::NotOwner, &format!("a stale release: expected NotOwner, got {release:?}"))?;
        self.refused(&mut *a, &self.keys[0], "a stale release freed the next holder's lock").await?;
        self.released(&mut *b, fresh).await?;
        a.close().await;
        b.close().await;
        Ok(())
    }

    async fn readers_share_a_lock_that_writers_have_alone(&self) -> Result<(), String> {
        if !self.system.guarantees().shared {
            return Ok(());
        }
        let (mut a, mut b, mut c) = (self.open(0).await?, self.open(1).await?, self.open(2).await?);
        let now = Patience::Try;
        for _ in 0..2 {
            let mut first = self.granted_as(&mut *a, Mode::Shared, &now).await?;
            let second = self.granted_as(&mut *b, Mode::Shared, &now).await?;
            self.refused_as(&mut *c, Mode::Exclusive, "beside readers").await?;
            if self.system.guarantees().renewal != RenewalKind::None {
                let renewal = a.renew(&mut first).await;
                rule(renewal == Renewal::Confirmed, &format!("a shared lock was not renewed: {renewal:?}"))?;
            }
            self.released(&mut *a, first).await?;
            self.refused_as(&mut *c, Mode::Exclusive, "beside the last reader").await?;
            let patience = self.within(5_000 * MS);
            let waiting = self.granted_as(&mut *c, Mode::Exclusive, &patience);
            let releasing = async {
                self.setting.timer.sleep(50 * MS).await;
                self.released(&mut *b, second).await
            };
            let (alone, released) = tokio::join!(waiting, releasing);
            let (alone, ()) = (alone?, released?);
            self.refused_as(&mut *a, Mode::Shared, "beside a writer").await?;
            self.refused_as(&mut *b, Mode::Exclusive, "beside a writer").await?;
            self.released(&mut *c, alone).await?;
        }
        for session in [a, b, c] {
            session.close().await;
        }
        Ok(())
    }

    async fn a_semaphore_has_so_many_permits(&self) -> Result<(), String> {
        if !self.system.guarantees().permits {
            return Ok(());
        }
        let (mut a, mut b, mut c) = (self.open(0).await?, self.open(1).await?, self.open(2).await?);
        let (now, two) = (Patience::Try, Mode::Permits { of: 2 });
        for _ in 0..2 {
            let mut first = self.granted_as(&mut *a, two, &now).await?;
            let second = self.granted_as(&mut *b, two, &now).await?;
            self.refused_as(&mut *c, two, "where all are taken").await?;
            if self.system.guarantees().renewal != RenewalKind::None {
                let renewal = a.renew(&mut first).await;
                rule(renewal == Renewal::Confirmed, &format!("a permit was not renewed: {renewal:?}"))?;
            }
            let patience = self.within(5_000 * MS);
            let waiting = self.granted_as(&mut *c, two, &patience);
            let releasing = async {
                self.setting.timer.sleep(50 * MS).await;
                self.released(&mut *a, first).await
            };
            let (third, released) = tokio::join!(waiting, releasing);
            let (third, ()) = (third?, released?);
            self.refused_as(&mut *a, two, "where all are taken again").await?;
            self.released(&mut *b, second).await?;
            self.released(&mut *c, third).await?;
        }
        for session in [a, b, c] {
            session.close().await;
        }
        Ok(())
    }

    async fn a_closed_session_frees_nothing_of_others(&self) -> Result<(), String> {
        let (mut a, b) = (self.open(0).await?, self.open(1).await?);
        let grant = self.granted(&mut *a, &self.keys[0], &self.at_once()).await?;
        b.close().await;
        let mut c = self.open(2).await?;
        self.refused(&mut *c, &self.keys[0], "closing a session freed another's lock").await?;
        self.released(&mut *a, grant).await?;
        a.close().await;
        c.close().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Setting, suite};
    use crate::memory;
    use lockbench_core::clock::{Clock, Timer};

    #[tokio::test(start_paused = true)]
    async fn memory_passes_in_virtual_time() {
        let clock = Clock::virtual_time();
        let setting = Setting { timer: Timer::new(clock), ttl_ns: 2_000_000_000, prefix: "t".to_owned() };
        let system = memory::MemorySystem::new("memory", memory::GUARANTEES, clock, memory::Flaws::default());
        assert_eq!(suite(&system, &setting).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn every_flaw_but_a_silent_one_fails_the_suite() {
        let clock = Clock::virtual_time();
        let setting = Setting { timer: Timer::new(clock), ttl_ns: 2_000_000_000, prefix: "t".to_owned() };
        let flaws = [
            memory::Flaws { no_lock: true, ..Default::default() },
            memory::Flaws { no_renew: true, ..Default::default() },
            memory::Flaws { wrong_release: true, ..Default::default() },
            memory::Flaws { swallow_error: true, ..Default::default() },
            memory::Flaws { shared_identity: true, ..Default::default() },
            memory::Flaws { overlooks_readers: true, ..Default::default() },
            memory::Flaws { one_too_many: true, ..Default::default() },
        ];
        for flaw in flaws {
            let system = memory::MemorySystem::new("memory", memory::GUARANTEES, clock, flaw);
            assert!(suite(&system, &setting).await.is_err(), "{flaw:?}");
        }
    }
}
