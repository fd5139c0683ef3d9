//! The scripts of the recipe, and those of its planted bugs.

use std::sync::LazyLock;

use super::super::planted::{Flaw, Planted};
use super::script::{ACQUIRING, ACQUIRING_OR_LEFT, RELEASING, RELEASING_TELLING, RENEWING, Script};

/// Without `NX`.
static TAKING: LazyLock<Script> = LazyLock::new(|| {
    Script::new("redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\nreturn redis.call('INCR', KEYS[2])")
});
/// Without a look at the owner.
static FREEING: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('DEL', KEYS[1])"));
/// Likewise.
static PROLONGING: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('PEXPIRE', KEYS[1], ARGV[2])"));

/// What a client calls.
#[derive(Clone, Copy)]
pub struct Scripts {
    pub acquiring: &'static Script,
    pub releasing: &'static Script,
    pub renewing: &'static Script,
    /// Does a release tell those who wait, and a refusal how long the lease of the holder runs?
    pub tell: bool,
}

impl Scripts {
    /// Those of a recipe with this flaw.
    pub fn of(planted: Planted) -> Self {
        let is = |flaw| planted == Some(flaw);
        Self {
            acquiring: if is(Flaw::TakesWhatIsHeld) { &TAKING } else { &ACQUIRING },
            releasing: if is(Flaw::FreesWhatIsNotItsOwn) { &FREEING } else { &RELEASING },
            renewing: if is(Flaw::RenewsWhatIsNotItsOwn) { &PROLONGING } else { &RENEWING },
            tell: false,
        }
    }

    /// Those whose release tells whoever waits.
    pub fn telling() -> Self {
        Self { acquiring: &ACQUIRING_OR_LEFT, releasing: &RELEASING_TELLING, renewing: &RENEWING, tell: true }
    }
}
