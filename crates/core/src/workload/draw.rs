//! Random choices of the load: which key an attempt wants, how long a hold and a
//! pause take. All from the plan's seed, and the same for every lock system, so
//! that all of them get the same load.

use rand::distr::Distribution;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Exp1, StandardNormal, Zipf};
use rand_pcg::Pcg64Mcg;

use super::arrival::{Row, Trace};
use super::locks::{Further, Locks};
use super::plan::{Access, Keys, Plan, Span};
use crate::lock::Mode;

/// Seed of one client of one trial. Deliberately without the system's name:
/// attempt i of client c wants the same on every system.
///
/// Mixed with the finalizer of `SplitMix64` (Steele, Lea, Flood: "Fast Splittable
/// Pseudorandom Number Generators", 2014), so that neighbouring clients, trials
/// and seeds get unrelated streams.
#[must_use]
pub fn client_seed(seed: u64, trial: u32, client: u32) -> u64 {
    let place = u64::from(trial) << 32 | u64::from(client);
    mix(mix(seed).wrapping_add(mix(place ^ 0x6c6f_636b_6265_6e63)))
}

fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Chooses keys. Built once a trial, cloned for each client.
#[derive(Clone, Debug)]
pub struct KeyPicker {
    choice: Choice,
}

#[derive(Clone, Debug)]
enum Choice {
    Single,
    PerClient,
    Uniform {
        count: u32,
    },
    HotSet {
        count: u32,
        hot: u32,
        share: f64,
    },
    /// By rejection-inversion (W. Hörmann, G. Derflinger: Rejection-inversion to generate variates from monotone discrete
    /// distributions, 1996): constant time and no table, whatever the number of keys.
    Zipf {
        count: u32,
        ranks: Zipf<f64>,
    },
}

impl KeyPicker {
    /// A picker of these keys.
    #[must_use]
    pub fn new(keys: &Keys) -> Self {
        let choice = match *keys {
            Keys::Single => Choice::Single,
            Keys::PerClient => Choice::PerClient,
            Keys::Uniform { count } => Choice::Uniform { count: count.max(1) },
            Keys::Zipf { count, exponent } => zipf(count, exponent),
            Keys::HotSet { count, hot, share } => {
                Choice::HotSet { count: count.max(1), hot: hot.clamp(1, count.max(1)), share }
            }
        };
        Self { choice }
    }

    /// A picker for each part of a plan.
    #[must_use]
    pub fn of_parts(plan: &Plan) -> Vec<Self> {
        plan.parts().iter().map(|part| Self::new(part.keys)).collect()
    }

    /// Index of the key that the next attempt of `client` wants, below
    /// [`Keys::count`].
    pub fn pick(&self, client: u32, rng: &mut impl Rng) -> u32 {
        match &self.choice {
            Choice::Single => 0,
            Choice::PerClient => client,
            Choice::Uniform { count } => rng.random_range(0..*count),
            Choice::HotSet { count, hot, share } => {
                let wants_hot = rng.random::<f64>() < *share || hot >= count;
                if wants_hot { rng.random_range(0..*hot) } else { rng.random_range(*hot..*count) }
            }
            // Ranks are whole numbers from 1.
            Choice::Zipf { count, ranks } => (ranks.sample(rng) as u32).clamp(1, *count) - 1,
        }
    }
}

/// Key 0 is the hottest. A number or exponent that a validated plan does not have makes it a single key.
fn zipf(count: u32, exponent: f64) -> Choice {
    let count = count.max(1);
    Zipf::new(f64::from(count), exponent).map_or(Choice::Single, |ranks| Choice::Zipf { count, ranks })
}

impl Span {
    /// Draws a length in nanoseconds, never above [`Span::longest_ns`].
    pub fn draw(&self, rng: &mut impl Rng) -> u64 {
        // Floats become integers by saturation: a huge draw is cut by `min`.
        match *self {
            Self::Constant { ns } => ns,
            Self::Uniform { min_ns, max_ns } => rng.random_range(min_ns..=max_ns.max(min_ns)),
            Self::Exponential { mean_ns, max_ns } => {
                let unit: f64 = Exp1.sample(rng);
                ((mean_ns as f64 * unit).round() as u64).min(max_ns)
            }
            Self::LogNormal { median_ns, sigma, max_ns } => {
                let normal: f64 = StandardNormal.sample(rng);
                ((median_ns as f64 * (sigma * normal).exp()).round() as u64).min(max_ns)
            }
            Self::Pareto { min_ns, alpha, max_ns } => {
                // By inversion: 1 - u is above 0.
                let u: f64 = rng.random();
                ((min_ns as f64 * (1.0 - u).powf(-1.0 / alpha)).round() as u64).min(max_ns)
            }
            Self::Bimodal { short_ns, long_ns, share } => {
                if rng.random::<f64>() < share {
                    long_ns
                } else {
                    short_ns
                }
            }
            Self::Recorded { ref lengths_ns } => {
                lengths_ns.get(rng.random_range(0..lengths_ns.len().max(1))).copied().unwrap_or(0)
            }
        }
    }

    /// Mean length in nanoseconds, before any cut to a maximum; of a Pareto span, which may have no mean, after it.
    #[must_use]
    pub fn mean_ns(&self) -> u64 {
        match *self {
            Self::Constant { ns } => ns,
            Self::Uniform { min_ns, max_ns } => min_ns.midpoint(max_ns),
            Self::Exponential { mean_ns, .. } => mean_ns,
            Self::LogNormal { median_ns, sigma, .. } => (median_ns as f64 * (sigma * sigma / 2.0).exp()) as u64,
            Self::Pareto { min_ns, alpha, max_ns } => pareto_mean(min_ns as f64, alpha, max_ns as f64) as u64,
            Self::Bimodal { short_ns, long_ns, share } => {
                (short_ns as f64 * (1.0 - share) + long_ns as f64 * share) as u64
            }
            Self::Recorded { ref lengths_ns } => {
                let sum: u128 = lengths_ns.iter().map(|ns| u128::from(*ns)).sum();
                (sum / lengths_ns.len().max(1) as u128) as u64
            }
        }
    }
}

/// The mean of a Pareto distribution whose draws above `max` are cut to it.
fn pareto_mean(min: f64, alpha: f64, max: f64) -> f64 {
    let tail = (min / max).powf(alpha) * max;
    let body = if (alpha - 1.0).abs() < 1e-9 {
        min * (max / min).ln()
    } else {
        alpha / (alpha - 1.0) * (min - max * (min / max).powf(alpha))
    };
    body + tail
}

/// What one attempt wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Index of the key; of a transaction: of the first.
    pub key: u32,
    /// The others of a transaction.
    pub further: Further,
    /// What it asks for.
    pub mode: Mode,
    /// How long to hold it, if it is granted.
    pub hold_ns: u64,
    /// How long to pause afterwards.
    pub think_ns: u64,
}

/// The endless wishes of one client. All three values of a wish are drawn at
/// once, granted or not, so that a timeout on one system does not shift the
/// later wishes against another system's.
#[derive(Clone, Debug)]
pub struct Wishes {
    picker: KeyPicker,
    locks: Locks,
    access: Access,
    /// Number of the first key, and how many there are.
    keys: (u32, u32),
    hold: Span,
    think: Span,
    /// The number by which it chooses its keys.
    client: u32,
    rng: Pcg64Mcg,
    /// Seed of the wishes that have an index.
    indexed: u64,
    /// What attempts want where that is recorded.
    trace: Option<Trace>,
}

impl Wishes {
    /// The wishes of `client` in trial number `trial` of a plan. `picker` is made
    /// of the keys of the client's part of the plan, once for all of its clients.
    #[must_use]
    pub fn new(plan: &Plan, picker: &KeyPicker, trial: u32, client: u32) -> Self {
        /// Sets them apart from what is drawn for clients.
        const INDEXED: u64 = 0x7769_7368_6573_2121;
        let rng = Pcg64Mcg::seed_from_u64(client_seed(plan.seed, trial, client));
        let place = plan.part_of(client);
        let indexed = client_seed(plan.seed ^ INDEXED, trial, place as u32);
        let parts = plan.parts();
        let part = &parts[place];
        let (keys, client) = (part.keys_from, part.chooses_as(client));
        let (hold, think) = (part.hold.clone(), part.think.clone());
        let (picker, locks, access) = (picker.clone(), plan.locks, plan.access);
        let trace = part.arrival.trace().cloned();
        Self { picker, locks, access, keys, hold, think, client, rng, indexed, trace }
    }

    /// What the attempt of that index of an open loop wants, whichever client takes it (but where each client has a key
    /// of its own).
    #[must_use]
    pub fn of(&self, index: u64) -> Wish {
        let drawn = self.draw(&mut Pcg64Mcg::seed_from_u64(mix(self.indexed ^ mix(index))));
        let row = self.trace.as_ref().zip(usize::try_from(index).ok()).and_then(|(trace, at)| trace.rows().get(at));
        row.map_or(drawn, |row| self.recorded(row, drawn))
    }

    /// What a recorded attempt wants, and what was drawn where it does not say.
    fn recorded(&self, row: &Row, drawn: Wish) -> Wish {
        let mut keys: Vec<u32> = row.keys().iter().map(|key| self.keys.0 + key).collect();
        if matches!(self.locks, Locks::Ordered { .. }) {
            keys.sort_unstable();
        }
        let [first, further @ ..] = keys.as_slice() else { return drawn };
        Wish {
            key: *first,
            further: Further::of(further),
            mode: row.mode.unwrap_or(drawn.mode),
            hold_ns: row.hold_ns.unwrap_or(drawn.hold_ns),
            think_ns: drawn.think_ns,
        }
    }

    fn draw(&self, rng: &mut Pcg64Mcg) -> Wish {
        let key = self.picker.pick(self.client, rng);
        let hold_ns = self.hold.draw(rng);
        let think_ns = self.think.draw(rng);
        // Last, so that the other values are those of a plan with one lock per attempt.
        let (key, further) = self.locks.all(key, self.keys.1, (&self.picker, self.client), rng);
        // A transaction takes its keys from those that all share, which begin at 0.
        Wish { key: self.keys.0 + key, further, mode: self.access.draw(rng), hold_ns, think_ns }
    }
}

impl Iterator for Wishes {
    type Item = Wish;

    fn next(&mut self) -> Option<Wish> {
        let mut rng = self.rng.clone();
        let wish = self.draw(&mut rng);
        self.rng = rng;
        Some(wish)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::{Just, Strategy, any, prop_oneof};
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::{KeyPicker, Wish, Wishes, client_seed};
    use crate::workload::parse;
    use crate::workload::plan::{Keys, Span};

    fn rng(seed: u64) -> Pcg64Mcg {
        Pcg64Mcg::seed_from_u64(seed)
    }

    fn any_span() -> impl Strategy<Value = Span> {
        let ns = || prop_oneof![1..1_000_000_u64, 1..1_u64 << 50];
        prop_oneof![
            ns().prop_map(|ns| Span::Constant { ns }),
            (ns(), ns()).prop_map(|(a, b)| Span::Uniform { min_ns: a.min(b), max_ns: a.max(b) }),
            (ns(), ns()).prop_map(|(mean_ns, max_ns)| Span::Exponential { mean_ns, max_ns }),
            (ns(), 0.001..10.0_f64, ns()).prop_map(|(median_ns, sigma, max_ns)| Span::LogNormal {
                median_ns,
                sigma,
                max_ns
            }),
            (ns(), 0.1..5.0_f64, ns()).prop_map(|(a, alpha, b)| Span::Pareto {
                min_ns: a.min(b),
                alpha,
                max_ns: a.max(b)
            }),
            (ns(), ns(), 0.0..1.0_f64).prop_map(|(short_ns, long_ns, share)| Span::Bimodal {
                short_ns,
                long_ns,
                share
            }),
        ]
    }

    fn any_keys() -> impl Strategy<Value = Keys> {
        prop_oneof![
            Just(Keys::Single),
            Just(Keys::PerClient),
            (1..5_000_u32).prop_map(|count| Keys::Uniform { count }),
            (1..5_000_u32, 0.001..20.0_f64).prop_map(|(count, exponent)| Keys::Zipf { count, exponent }),
            (2..5_000_u32, 1..4_999_u32, 0.0..1.0_f64).prop_map(|(count, hot, share)| Keys::HotSet {
                count,
                hot: hot.min(count - 1),
                share
            }),
        ]
    }

    proptest! {
        #[test]
        fn lengths_stay_within_their_bounds(span in any_span(), seed in any::<u64>()) {
            let mut rng = rng(seed);
            for _ in 0..200 {
                let ns = span.draw(&mut rng);
                prop_assert!(ns <= span.longest_ns());
                if let Span::Uniform { min_ns, .. } = span {
                    prop_assert!(ns >= min_ns);
                }
            }
        }

        #[test]
        fn keys_stay_below_their_count(keys in any_keys(), clients in 1..100_u32, seed in any::<u64>()) {
            let (picker, mut rng) = (KeyPicker::new(&keys), rng(seed));
            for client in 0..clients {
                prop_assert!(picker.pick(client, &mut rng) < keys.count(clients));
            }
        }

        #[test]
        fn the_same_seed_draws_the_same(keys in any_keys(), span in any_span(), seed in any::<u64>()) {
            let picker = KeyPicker::new(&keys);
            let draw = || {
                let mut rng = rng(seed);
                (0..50).map(|_| (picker.pick(3, &mut rng), span.draw(&mut rng))).collect::<Vec<_>>()
            };
            prop_assert_eq!(draw(), draw());
        }

        #[test]
        fn neighbours_have_different_seeds(seed in any::<u64>(), trial in 0..1_000_u32, client in 0..65_000_u32) {
            let here = client_seed(seed, trial, client);
            prop_assert!(here != client_seed(seed, trial, client + 1));
            prop_assert!(here != client_seed(seed, trial + 1, client));
            prop_assert!(here != client_seed(seed.wrapping_add(1), trial, client));
        }
    }

    #[test]
    fn seeds_of_all_clients_and_trials_differ() {
        let seeds: HashSet<u64> = (0..100).flat_map(|t| (0..1_000).map(move |c| client_seed(1, t, c))).collect();
        assert_eq!(seeds.len(), 100_000);
    }

    #[test]
    fn seeds_never_change() {
        // Computed apart from this code: a change would silently change what every stored plan means.
        assert_eq!(client_seed(1, 0, 0), 2275707170256509928);
        assert_eq!(client_seed(7, 3, 42), 16686237301568555178);
    }

    #[test]
    fn zipf_frequencies_fall_as_the_exponent_says() {
        let (count, exponent, draws) = (100_u32, 1.2_f64, 400_000_u32);
        let (picker, mut rng) = (KeyPicker::new(&Keys::Zipf { count, exponent }), rng(7));
        let mut seen = vec![0_u32; count as usize];
        for _ in 0..draws {
            seen[picker.pick(0, &mut rng) as usize] += 1;
        }
        let total: f64 = (1..=count).map(|k| f64::from(k).powf(-exponent)).sum();
        for rank in [1_u32, 2, 3, 5, 10, 30, 100] {
            let expected = f64::from(draws) * f64::from(rank).powf(-exponent) / total;
            let found = f64::from(seen[rank as usize - 1]);
            // Five standard deviations of a Poisson count.
            assert!((found - expected).abs() < 5.0 * expected.sqrt(), "rank {rank}: {found} of {expected}");
        }
        assert!(seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > seen[4] && seen[4] > seen[9]);
    }

    fn mean_of(span: &Span, draws: u32) -> f64 {
        let mut rng = rng(11);
        (0..draws).map(|_| span.draw(&mut rng) as f64).sum::<f64>() / f64::from(draws)
    }

    #[test]
    fn means_are_as_planned() {
        for span in [
            Span::Constant { ns: 1_000_000 },
            Span::Uniform { min_ns: 500_000, max_ns: 1_500_000 },
            Span::Exponential { mean_ns: 1_000_000, max_ns: u64::MAX },
            Span::LogNormal { median_ns: 1_000_000, sigma: 0.5, max_ns: u64::MAX },
            Span::Pareto { min_ns: 1_000_000, alpha: 3.5, max_ns: u64::MAX },
            Span::Pareto { min_ns: 1_000_000, alpha: 1.0, max_ns: 20_000_000 },
            Span::Pareto { min_ns: 1_000_000, alpha: 0.7, max_ns: 20_000_000 },
            Span::Bimodal { short_ns: 1_000_000, long_ns: 50_000_000, share: 0.1 },
        ] {
            let (found, planned) = (mean_of(&span, 200_000), span.mean_ns() as f64);
            assert!((found / planned - 1.0).abs() < 0.01, "{span:?}: {found} of {planned}");
        }
    }

    #[test]
    fn a_hot_set_gets_its_share() {
        let (picker, mut rng) = (KeyPicker::new(&Keys::HotSet { count: 100, hot: 4, share: 0.8 }), rng(3));
        let hot = (0..100_000).filter(|_| picker.pick(0, &mut rng) < 4).count();
        assert!((79_300..80_700).contains(&hot), "{hot}");
    }

    #[test]
    fn the_tail_of_a_pareto_span_is_as_heavy_as_its_index_says() {
        let span = Span::Pareto { min_ns: 1_000, alpha: 1.5, max_ns: u64::MAX };
        let mut rng = rng(5);
        let above = (0..100_000).filter(|_| span.draw(&mut rng) > 10_000).count();
        // 10^-1.5 of them.
        assert!((2_950..3_380).contains(&above), "{above}");
    }

    #[test]
    fn half_of_log_normal_draws_are_below_the_median() {
        let span = Span::LogNormal { median_ns: 1_000_000, sigma: 2.0, max_ns: u64::MAX };
        let mut rng = rng(5);
        let below = (0..100_000).filter(|_| span.draw(&mut rng) < 1_000_000).count();
        assert!((49_000..51_000).contains(&below), "{below}");
    }

    #[test]
    fn a_trial_repeats_itself_and_differs_from_other_trials_and_clients() {
        let text = "clients = 4\nkeys = { kind = \"uniform\", count = 1000 }\nhold = { kind = \"exponential\", mean = \"1ms\" }";
        let (plan, _) = parse("x.toml", text, &[]).unwrap();
        let picker = KeyPicker::new(&plan.keys);
        let wishes = |trial, client| Wishes::new(&plan, &picker, trial, client).take(20).collect::<Vec<Wish>>();
        assert_eq!(wishes(0, 1), wishes(0, 1));
        assert_ne!(wishes(0, 1), wishes(1, 1));
        assert_ne!(wishes(0, 1), wishes(0, 2));
        let indexed = |trial, client| {
            let wishes = Wishes::new(&plan, &picker, trial, client);
            (0..20).map(|index| wishes.of(index)).collect::<Vec<Wish>>()
        };
        assert_eq!(indexed(0, 1), indexed(0, 2), "whichever client takes it");
        assert_ne!(indexed(0, 1), indexed(1, 1));
        assert!(indexed(0, 1).windows(2).all(|pair| pair[0] != pair[1]));
    }
}
