//! Every instant is taken by one client, or accounted for.

use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{DueInstants, LATE_NS, Turn, Untaken};
use lockbench_core::record::figures::Schedule;
use lockbench_core::units::MILLISECOND;
use lockbench_core::workload::{Plan, parse};

fn dropped(grid: &DueInstants, schedule: &Schedule) -> u64 {
    grid.settle(schedule, u64::MAX);
    grid.dropped()
}

fn take(grid: &DueInstants, schedule: &Schedule, now: u64) -> u64 {
    grid.take(schedule, now).unwrap().due
}

#[test]
fn the_last_two_of_ten_are_due_together_and_the_rate_is_kept() {
    let (grid, schedule) = (DueInstants::new(10), Schedule::new(1_000, 0, 1_000));
    let due: Vec<u64> = (0..12).map(|_| take(&grid, &schedule, 1_000)).collect();
    assert_eq!(due, [1_010, 1_020, 1_030, 1_040, 1_050, 1_060, 1_070, 1_080, 1_090, 1_090, 1_110, 1_120]);
    assert_eq!(dropped(&grid, &schedule), 0);
}

#[test]
fn what_came_while_nobody_was_free_is_dropped_and_never_made_up_for() {
    let (grid, schedule) = (DueInstants::new(10), Schedule::new(0, 0, 1_000));
    assert_eq!(take(&grid, &schedule, 0), 10);
    assert_eq!((take(&grid, &schedule, 55), dropped(&grid, &schedule)), (60, 4));
    let untaken = |due| Untaken { due, free_at: 55, own: false };
    assert_eq!(grid.fetch(), [20, 30, 40, 50].map(untaken), "as late as they were at least");
    assert!(grid.fetch().is_empty());
    grid.forgive(&schedule, 95);
    assert_eq!((take(&grid, &schedule, 101), dropped(&grid, &schedule)), (110, 4));
}

#[test]
fn what_came_while_this_process_did_not_run_is_counted_apart() {
    let ms = |n: u64| n * MILLISECOND;
    // Two clients; one waits for its turn at 20 ms and oversleeps to 205 ms.
    let (grid, schedule) = (DueInstants::new(ms(10)), Schedule::new(0, 0, ms(1_000)));
    assert_eq!([0, 0].map(|now| take(&grid, &schedule, now)), [ms(10), ms(20)]);
    assert_eq!(grid.begins(ms(10), ms(10)), ms(10));
    // The other one is free again before the first has said that it was late.
    assert_eq!(take(&grid, &schedule, ms(205)), ms(210));
    grid.settle(&schedule, ms(205));
    assert_eq!((grid.dropped(), grid.stalled()), (0, 0), "not judged yet");
    assert_eq!(grid.begins(ms(20), ms(205)), ms(205), "no wait for the system");
    grid.settle(&schedule, ms(206));
    // 30 to 200 ms but for the tenth places: 18 instants.
    assert_eq!((grid.dropped(), grid.stalled()), (0, 18));
    assert!(grid.fetch().iter().all(|untaken| untaken.own));
    // All busy: nobody was late, so that it is the server.
    assert_eq!(grid.begins(ms(210), ms(210) + LATE_NS), ms(210));
    assert_eq!(take(&grid, &schedule, ms(255)), ms(260));
    // The watchdog did not run either in a part of it.
    grid.stall(ms(240), ms(252));
    grid.settle(&schedule, ms(400));
    assert_eq!((grid.dropped(), grid.stalled()), (2, 20));
    grid.close(&schedule);
    assert_eq!(grid.stalled(), 20);
}

#[test]
fn the_warm_up_drops_nothing_that_counts_and_the_end_closes_the_account() {
    let (grid, schedule) = (DueInstants::new(10), Schedule::new(0, 50, 50));
    assert_eq!((take(&grid, &schedule, 71), dropped(&grid, &schedule)), (80, 3));
    grid.close(&schedule);
    assert_eq!(grid.dropped(), 5, "two of them at 90");
    grid.close(&schedule);
    assert_eq!(grid.dropped(), 5);
}

/// A load of one attempt per 10 ns for 1 us.
fn load(queue: u32) -> (DueInstants, Schedule) {
    let plan =
        plan(&format!("clients = 2\nwarmup = \"0s\"\nduration = \"1us\"\narrival = {{ rate = 1e7, queue = {queue} }}"));
    (DueInstants::of_plan(&plan, 1, (0, 1)).unwrap(), Schedule::new(0, 0, 1_000))
}

fn plan(text: &str) -> Plan {
    parse("w.toml", text, &[]).unwrap().0
}

#[test]
fn a_closed_loop_has_no_due_instants() {
    assert!(DueInstants::of_plan(&plan("clients = 2"), 1, (0, 1)).is_none());
}

#[test]
fn callers_wait_in_order_as_far_as_there_is_room() {
    let (grid, schedule) = load(2);
    assert_eq!(grid.take(&schedule, 0), Some(Turn { index: 0, due: 0 }), "the first one is due at once");
    // Both clients are busy until 550; five came meanwhile, and three found no room.
    assert_eq!(grid.take(&schedule, 550), Some(Turn { index: 1, due: 100 }));
    assert_eq!(grid.take(&schedule, 560), Some(Turn { index: 2, due: 200 }));
    // Now one is free before the next is due, and waits for it.
    assert_eq!(grid.take(&schedule, 570), Some(Turn { index: 6, due: 600 }));
    grid.settle(&schedule, 580);
    assert_eq!(grid.fetch(), [300, 400, 500].map(|due| Untaken { due, free_at: 550, own: false }));
    // At the end what waits still is dropped too, and what was taken and not begun.
    grid.give_up(600, 1_000);
    grid.close(&schedule);
    let last = |due| Untaken { due, free_at: 1_000, own: false };
    assert_eq!(grid.fetch(), [600, 900, 700, 800].map(last));
    assert_eq!(grid.dropped(), 7);
}

#[test]
fn a_pause_by_hand_is_nobody_s_fault() {
    let (grid, schedule) = load(2);
    grid.forgive(&schedule, 450);
    assert_eq!(grid.take(&schedule, 450), Some(Turn { index: 5, due: 500 }));
    grid.close(&schedule);
    assert_eq!(grid.dropped(), 4);
}

#[test]
fn nothing_more_is_due_after_a_last_rate_of_0() {
    let plan = plan("clients = 1\narrival = { kind = \"steps\", rates = [1, 0], every = \"1s\" }");
    let (grid, schedule) = (DueInstants::of_plan(&plan, 1, (0, 1)).unwrap(), Schedule::new(0, 0, 10_000_000_000));
    assert_eq!([0, 0].map(|now| grid.take(&schedule, now)), [Some(Turn { index: 0, due: 0 }), None]);
}

proptest! {
    #[test]
    fn every_instant_is_taken_or_dropped(
        every in 1_u64..50,
        steps in proptest::collection::vec(0_u64..300, 1..60),
    ) {
        let end = steps.iter().sum::<u64>() + 1;
        let (grid, schedule) = (DueInstants::new(every), Schedule::new(7, 0, end));
        let (mut now, mut taken) = (7, 0);
        for step in steps {
            now += step;
            let due = take(&grid, &schedule, now);
            prop_assert!(due >= now);
            taken += u64::from(schedule.measures(due));
        }
        grid.close(&schedule);
        let whole = DueInstants::new(every);
        let all = (0..).map(|_| take(&whole, &schedule, 0)).take_while(|due| *due < schedule.end()).count() as u64;
        prop_assert_eq!(taken + grid.dropped(), all);
    }
}
