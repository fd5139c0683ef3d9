//! Locks as the transactions of a shop take them: the mix and the access pattern of TPC-C (TPC Benchmark C, revision 5.11,
//! clauses 2.1.6 for the skew, 2.4 to 2.8 for what each transaction touches, 5.2.3 for the mix), and nothing else of it: what
//! comes of this is no TPC-C result. A row is a lock; what only reads takes none but the one that stands for its group. No
//! transaction takes more than eight locks here: of a long order the last lines are left out, of ten districts to deliver to
//! two.

use rand::distr::Distribution;
use rand::{RngExt, SeedableRng};
use rand_distr::Exp1;
use rand_pcg::Pcg64Mcg;

use super::arrival::{Row, Trace};
use super::locks::MOST_LOCKS;
use crate::units::{MICROSECOND, SECOND};

const DISTRICTS: u32 = 10;
const CUSTOMERS: u32 = 3_000;
const ITEMS: u32 = 100_000;
/// What a transaction works under its locks, and for each of them.
const WORK_NS: u64 = 1_000 * MICROSECOND;
const WORK_PER_LOCK_NS: u64 = 200 * MICROSECOND;

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Tpcc {
    /// Warehouses, 1 or more.
    pub warehouses: u32,
    /// So many times fewer customers and items than the benchmark has, 1 to 1 000.
    pub scale: u32,
    /// Transactions per second, as independent callers come.
    pub per_s: f64,
    /// For so long.
    pub ns: u64,
    /// Seed of every choice.
    pub seed: u64,
}

impl Tpcc {
    /// How many keys there are.
    #[must_use]
    pub fn keys(&self) -> u32 {
        self.warehouses * (1 + DISTRICTS + DISTRICTS * self.customers() + self.items())
    }

    fn customers(&self) -> u32 {
        (CUSTOMERS / self.scale).max(1)
    }

    fn items(&self) -> u32 {
        (ITEMS / self.scale).max(1)
    }

    fn warehouse(&self, warehouse: u32) -> u32 {
        warehouse
    }

    fn district(&self, warehouse: u32, district: u32) -> u32 {
        self.warehouses + warehouse * DISTRICTS + district
    }

    fn customer(&self, district: u32, customer: u32) -> u32 {
        self.warehouses * (1 + DISTRICTS) + (district - self.warehouses) * self.customers() + customer
    }

    fn stock(&self, warehouse: u32, item: u32) -> u32 {
        self.warehouses * (1 + DISTRICTS + DISTRICTS * self.customers()) + warehouse * self.items() + item
    }

    /// The transactions.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed);
        let mut rows = Vec::new();
        let mut due = 0.0_f64;
        loop {
            let gap: f64 = Exp1.sample(&mut rng);
            due += gap * SECOND as f64 / self.per_s;
            if due >= self.ns as f64 {
                return Trace::new(rows);
            }
            let locks = self.locks(&mut rng);
            // Whole microseconds read better.
            let at = due as u64 / MICROSECOND * MICROSECOND;
            rows.push(Row::new(at, &locks, Some(WORK_NS + WORK_PER_LOCK_NS * locks.len() as u64)));
        }
    }

    /// What one transaction takes, in the order in which it does.
    fn locks(&self, rng: &mut Pcg64Mcg) -> Vec<u32> {
        let home = rng.random_range(0..self.warehouses);
        let district = self.district(home, rng.random_range(0..DISTRICTS));
        match rng.random_range(0..100) {
            0..45 => self.new_order(home, district, rng),
            45..88 => self.payment(home, district, rng),
            88..92 => vec![self.customer(district, skewed(self.customers(), 3, rng))],
            92..96 => (0..MOST_LOCKS as u32).map(|district| self.district(home, district)).collect(),
            _ => vec![district],
        }
    }

    /// Five to fifteen lines; one of a hundred is from another warehouse.
    fn new_order(&self, home: u32, district: u32, rng: &mut Pcg64Mcg) -> Vec<u32> {
        let lines = rng.random_range(5..=15_usize);
        let mut locks = vec![district];
        for _ in 0..lines {
            let away = self.warehouses > 1 && rng.random_range(0..100) == 0;
            let from = if away { (home + rng.random_range(1..self.warehouses)) % self.warehouses } else { home };
            let stock = self.stock(from, skewed(self.items(), 12, rng));
            if locks.len() < MOST_LOCKS && !locks.contains(&stock) {
                locks.push(stock);
            }
        }
        locks
    }

    /// Fifteen of a hundred customers pay at another warehouse than their own.
    fn payment(&self, home: u32, district: u32, rng: &mut Pcg64Mcg) -> Vec<u32> {
        let away = self.warehouses > 1 && rng.random_range(0..100) < 15;
        let of = if away {
            let other = (home + rng.random_range(1..self.warehouses)) % self.warehouses;
            self.district(other, rng.random_range(0..DISTRICTS))
        } else {
            district
        };
        vec![self.warehouse(home), district, self.customer(of, skewed(self.customers(), 3, rng))]
    }
}

/// NURand of clause 2.1.6: some of `count` are wanted more often. Its constant A is 1 023 for 3 000 customers and 8 191 for
/// 100 000 items: one less than the power of two nearest to a third and a twelfth of them.
fn skewed(count: u32, part: u32, rng: &mut Pcg64Mcg) -> u32 {
    let a = f64::from((count / part).max(1)).log2().round().exp2() as u32 - 1;
    (rng.random_range(0..=a) | rng.random_range(0..count)) % count
}

#[cfg(test)]
mod tests {
    use super::Tpcc;
    use crate::units::SECOND;

    const SHOP: Tpcc = Tpcc { warehouses: 4, scale: 100, per_s: 500.0, ns: 60 * SECOND, seed: 7 };

    #[test]
    fn the_mix_is_that_of_the_benchmark_and_every_key_is_one() {
        let trace = SHOP.trace();
        let rows = trace.rows();
        assert_eq!(SHOP.keys(), 4 * (1 + 10 + 300 + 1_000));
        assert!((28_500..31_500).contains(&rows.len()), "{}", rows.len());
        assert!(rows.iter().all(|row| row.keys().iter().all(|key| *key < SHOP.keys())));
        assert!(rows.windows(2).all(|two| two[0].due_ns <= two[1].due_ns));
        let share = |which: &dyn Fn(&[u32]) -> bool| {
            rows.iter().filter(|row| which(row.keys())).count() as f64 / rows.len() as f64
        };
        // Payments begin at a warehouse, orders go on with stock, deliveries take districts only.
        let stock = 4 * (11 + 300);
        assert!((share(&|keys| keys[0] < 4) - 0.43).abs() < 0.015);
        assert!((share(&|keys| keys.last().is_some_and(|key| *key >= stock)) - 0.45).abs() < 0.015);
        assert!((share(&|keys| keys.len() == 8 && keys.iter().all(|key| (4..44).contains(key))) - 0.04).abs() < 0.01);
        assert!((share(&|keys| keys.len() == 1) - 0.08).abs() < 0.01);
        // The same seed makes the same.
        assert_eq!(SHOP.trace(), trace);
        assert_ne!(Tpcc { seed: 8, ..SHOP }.trace(), trace);
    }

    #[test]
    fn some_are_wanted_more_often() {
        let trace = SHOP.trace();
        let mut counts = std::collections::BTreeMap::<u32, u32>::new();
        trace.rows().iter().flat_map(|row| row.keys()).for_each(|key| *counts.entry(*key).or_default() += 1);
        let stock: Vec<u32> = counts.range(4 * 311..).map(|(_, count)| *count).collect();
        let mean = f64::from(stock.iter().sum::<u32>()) / stock.len() as f64;
        assert!(f64::from(*stock.iter().max().unwrap()) > 3.0 * mean);
        // The benchmark itself is the scale of one.
        assert_eq!(Tpcc { scale: 1, ..SHOP }.keys(), 4 * 130_011);
    }
}
