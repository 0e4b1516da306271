//! The suite of the limits port.

use tidegate_kernel::SmolStr;
use tidegate_kernel::command::Attempt;
use tidegate_ports::{Enter, LimitsEntered, LimitsVerdict, Mark, RequestLimits, Take, Window};

use crate::minted::{bits, name};

/// Limits whose time a case moves forward. Time may advance by itself, too, if slowly.
pub struct LimitsUnderTest<'l> {
    pub limits: &'l dyn RequestLimits,
    /// Moves the clock forward by milliseconds.
    pub advance_ms: &'l (dyn Fn(i64) + Sync),
}

/// A quarter of an hour: what passes by itself ends no such window, however busy the machine.
const QUARTER_MS: u32 = 900_000;
const HOUR_MS: u32 = 3_600_000;

/// Runs every case.
pub async fn suite(tested: &LimitsUnderTest<'_>) {
    a_window_admits_so_many_and_begins_with_its_first_request(tested).await;
    all_windows_are_taken_or_none(tested).await;
    a_limit_may_change_within_a_window(tested).await;
    owners_and_names_are_counted_apart(tested).await;
    only_its_holder_gives_a_mark_back(tested).await;
    a_mark_lapses_by_itself(tested).await;
    a_held_mark_takes_nothing(tested).await;
    without_windows_all_is_admitted(tested).await;
}

impl LimitsUnderTest<'_> {
    async fn enter(&self, owner: &SmolStr, takes: &[Take], mark: Option<&Mark>) -> LimitsEntered {
        let enter = Enter { owner: owner.clone(), takes: takes.to_vec(), mark: mark.cloned() };
        let entered = self.limits.enter(&enter).await.expect("the limits are up");
        assert_eq!(entered.windows.len(), takes.len());
        for (take, window) in takes.iter().zip(&entered.windows) {
            assert!((1..=take.window_ms).contains(&window.resets_in_ms), "{take:?}: {window:?}");
        }
        entered
    }

    async fn leave(&self, owner: &SmolStr, mark: &Mark) {
        self.limits.leave(owner, mark).await.expect("the limits are up");
    }
}

fn owner() -> SmolStr {
    name().into()
}

fn take(name: &str, limit: u32, window_ms: u32) -> Take {
    Take { name: name.into(), limit, window_ms }
}

fn mark(key: &str) -> Mark {
    Mark { key: key.into(), holder: Attempt::from_bits(bits()), lives_ms: 375_000 }
}

fn remaining(entered: &LimitsEntered) -> Vec<u32> {
    entered.windows.iter().map(|window| window.remaining).collect()
}

async fn a_window_admits_so_many_and_begins_with_its_first_request(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    let quarter = [take("quarter", 3, QUARTER_MS)];
    let first = tested.enter(&owner, &quarter, None).await;
    assert_eq!((first.verdict, remaining(&first)), (LimitsVerdict::Admitted, vec![2]));
    (tested.advance_ms)(600_000);
    for left in [1, 0] {
        let entered = tested.enter(&owner, &quarter, None).await;
        assert_eq!((entered.verdict, remaining(&entered)), (LimitsVerdict::Admitted, vec![left]));
        assert!(entered.windows[0].resets_in_ms <= 300_000, "of the first request: {entered:?}");
    }
    for _ in 0..2 {
        let refused = tested.enter(&owner, &quarter, None).await;
        assert_eq!((refused.verdict, remaining(&refused)), (LimitsVerdict::Exhausted(0), vec![0]));
        assert!(refused.windows[0].resets_in_ms <= 300_000, "{refused:?}");
    }
    (tested.advance_ms)(300_000);
    let entered = tested.enter(&owner, &quarter, None).await;
    assert_eq!((entered.verdict, remaining(&entered)), (LimitsVerdict::Admitted, vec![2]));
    assert!(entered.windows[0].resets_in_ms > 300_000, "a new window: {entered:?}");
}

async fn all_windows_are_taken_or_none(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    let [wide, narrow, none] = [take("wide", 10, HOUR_MS), take("narrow", 1, QUARTER_MS), take("none", 0, QUARTER_MS)];
    let both = [wide.clone(), narrow.clone()];
    let entered = tested.enter(&owner, &both, None).await;
    assert_eq!((entered.verdict, remaining(&entered)), (LimitsVerdict::Admitted, vec![9, 0]));
    let refused = tested.enter(&owner, &both, None).await;
    assert_eq!((refused.verdict, remaining(&refused)), (LimitsVerdict::Exhausted(1), vec![9, 0]));
    // The first one that has nothing left is named. A window that was never taken from is whole, and does not begin.
    let fresh = take("fresh", 5, QUARTER_MS);
    let refused = tested.enter(&owner, &[fresh.clone(), none, narrow], None).await;
    assert_eq!((refused.verdict, remaining(&refused)), (LimitsVerdict::Exhausted(1), vec![5, 0, 0]));
    assert_eq!(refused.windows[0], Window { remaining: 5, resets_in_ms: QUARTER_MS });
    let entered = tested.enter(&owner, &[wide, fresh], None).await;
    assert_eq!((entered.verdict, remaining(&entered)), (LimitsVerdict::Admitted, vec![8, 4]));
}

async fn a_limit_may_change_within_a_window(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    for left in [4, 3, 2] {
        let entered = tested.enter(&owner, &[take("window", 5, HOUR_MS)], None).await;
        assert_eq!(remaining(&entered), [left]);
    }
    let refused = tested.enter(&owner, &[take("window", 2, HOUR_MS)], None).await;
    assert_eq!((refused.verdict, remaining(&refused)), (LimitsVerdict::Exhausted(0), vec![0]));
    let entered = tested.enter(&owner, &[take("window", 9, HOUR_MS)], None).await;
    assert_eq!((entered.verdict, remaining(&entered)), (LimitsVerdict::Admitted, vec![5]));
}

async fn owners_and_names_are_counted_apart(tested: &LimitsUnderTest<'_>) {
    let [one, other] = [owner(), owner()];
    let [read, write] = [[take("read", 1, HOUR_MS)], [take("write", 1, HOUR_MS)]];
    for (owner, takes) in [(&one, &read), (&one, &write), (&other, &read)] {
        assert_eq!(tested.enter(owner, takes, None).await.verdict, LimitsVerdict::Admitted);
        assert_eq!(tested.enter(owner, takes, None).await.verdict, LimitsVerdict::Exhausted(0));
    }
    // Keys of two owners are two.
    let of_one = mark("key");
    let of_other = mark("key");
    for (owner, mark) in [(&one, &of_one), (&other, &of_other)] {
        assert_eq!(tested.enter(owner, &[], Some(mark)).await.verdict, LimitsVerdict::Admitted);
    }
}

async fn only_its_holder_gives_a_mark_back(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    let [first, second, other_key] = [mark("key"), mark("key"), mark("other key")];
    assert_eq!(tested.enter(&owner, &[], Some(&first)).await.verdict, LimitsVerdict::Admitted);
    assert_eq!(tested.enter(&owner, &[], Some(&second)).await.verdict, LimitsVerdict::InFlight(first.holder));
    assert_eq!(tested.enter(&owner, &[], Some(&other_key)).await.verdict, LimitsVerdict::Admitted);
    tested.leave(&owner, &second).await;
    assert_eq!(tested.enter(&owner, &[], Some(&second)).await.verdict, LimitsVerdict::InFlight(first.holder));
    // Its holder may ask again.
    assert_eq!(tested.enter(&owner, &[], Some(&first)).await.verdict, LimitsVerdict::Admitted);
    tested.leave(&owner, &first).await;
    tested.leave(&owner, &first).await;
    assert_eq!(tested.enter(&owner, &[], Some(&second)).await.verdict, LimitsVerdict::Admitted);
    tested.leave(&owner, &first).await;
    assert_eq!(tested.enter(&owner, &[], Some(&first)).await.verdict, LimitsVerdict::InFlight(second.holder));
}

async fn a_mark_lapses_by_itself(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    let [first, second] = [mark("key"), mark("key")];
    assert_eq!(tested.enter(&owner, &[], Some(&first)).await.verdict, LimitsVerdict::Admitted);
    (tested.advance_ms)(225_000);
    assert_eq!(tested.enter(&owner, &[], Some(&second)).await.verdict, LimitsVerdict::InFlight(first.holder));
    (tested.advance_ms)(150_000);
    assert_eq!(tested.enter(&owner, &[], Some(&second)).await.verdict, LimitsVerdict::Admitted);
    // The mark is the second one's now.
    tested.leave(&owner, &first).await;
    assert_eq!(tested.enter(&owner, &[], Some(&first)).await.verdict, LimitsVerdict::InFlight(second.holder));
}

async fn a_held_mark_takes_nothing(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    let [first, second, other_key] = [mark("key"), mark("key"), mark("other key")];
    let hour = [take("hour", 2, HOUR_MS)];
    assert_eq!(remaining(&tested.enter(&owner, &hour, Some(&first)).await), [1]);
    let refused = tested.enter(&owner, &hour, Some(&second)).await;
    assert_eq!((refused.verdict, remaining(&refused)), (LimitsVerdict::InFlight(first.holder), vec![1]));
    assert_eq!(remaining(&tested.enter(&owner, &hour, None).await), [0]);
    // Where a window has nothing left, no mark is taken, and that is said first.
    for mark in [&second, &other_key] {
        assert_eq!(tested.enter(&owner, &hour, Some(mark)).await.verdict, LimitsVerdict::Exhausted(0));
    }
    let another = mark("other key");
    assert_eq!(tested.enter(&owner, &[], Some(&another)).await.verdict, LimitsVerdict::Admitted);
}

async fn without_windows_all_is_admitted(tested: &LimitsUnderTest<'_>) {
    let owner = owner();
    for _ in 0..3 {
        assert_eq!(
            tested.enter(&owner, &[], None).await,
            LimitsEntered { windows: vec![], verdict: LimitsVerdict::Admitted }
        );
    }
    tested.leave(&owner, &mark("never held")).await;
}
