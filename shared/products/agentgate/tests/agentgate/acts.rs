//! What property tests send, and when.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

use crate::samples::{DAY, HOUR, MINUTE, SECOND};

/// What is sent. `nth` is one of the open runs, the leased ones first, or beyond them the last one submitted.
#[derive(Clone, Debug)]
pub enum Act {
    Submit {
        iterations: u32,
        price: u64,
        key: Option<u8>,
    },
    Cancel {
        nth: u32,
    },
    Lease {
        worker: u32,
    },
    Progress {
        nth: u32,
        off: i8,
        iterations: u32,
    },
    Finish {
        nth: u32,
        off: i8,
        iterations: u32,
        fails: bool,
    },
    Credit {
        cents: u64,
    },
    Included {
        cents: u64,
    },
    Purchased {
        cents: u64,
    },
    Concurrency {
        limit: u32,
    },
    Suspend {
        suspended: bool,
    },
    /// Not among the [acts](timed_act) at random: little happens after it.
    Erase,
    Tick,
    /// An earlier record once more.
    Again {
        back: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let nth = || prop_oneof![3 => Just(0u32), 1 => 1..4u32];
    let off = || prop_oneof![6 => Just(0i8), 1 => Just(-1), 1 => Just(1)];
    prop_oneof![
        9 => (1..6u32, 0..80u64, prop::option::of(0..3u8))
            .prop_map(|(iterations, price, key)| Act::Submit { iterations, price, key }),
        2 => nth().prop_map(|nth| Act::Cancel { nth }),
        6 => (0..3u32).prop_map(|worker| Act::Lease { worker }),
        5 => (nth(), off(), 0..8u32).prop_map(|(nth, off, iterations)| Act::Progress { nth, off, iterations }),
        5 => (nth(), off(), 0..8u32, any::<bool>())
            .prop_map(|(nth, off, iterations, fails)| Act::Finish { nth, off, iterations, fails }),
        1 => (0..500u64).prop_map(|cents| Act::Credit { cents }),
        1 => (0..900u64).prop_map(|cents| Act::Included { cents }),
        1 => (0..500u64).prop_map(|cents| Act::Purchased { cents }),
        1 => (0..8u32).prop_map(|limit| Act::Concurrency { limit }),
        1 => prop::bool::weighted(0.2).prop_map(|suspended| Act::Suspend { suspended }),
        1 => Just(Act::Tick),
        2 => (0..6usize).prop_map(|back| Act::Again { back }),
    ]
}

/// An act, the milliseconds of the log's clock before it, and those by which the front door's clock is ahead of it.
pub fn timed_act() -> impl Strategy<Value = (i64, i64, Act)> {
    (wait(), skew(), act())
}

/// Less than none: the record took as long to the log. A client's is late after a minute.
fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![
        24 => Just(0),
        6 => -MINUTE..0,
        1 => Just(-MINUTE),
        1 => Just(-MINUTE - 1),
        2 => -2 * HOUR..-MINUTE,
        4 => 0..2 * MINUTE,
        1 => 0..2 * DAY,
    ]
}

/// Less than none: the log's clock was set back.
fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => -2 * MINUTE..0,
        16 => Just(0),
        24 => 0..SECOND,
        8 => 0..2 * MINUTE,
        2 => Just(MINUTE),
        2 => 5 * MINUTE..40 * MINUTE,
        1 => 23 * HOUR..26 * HOUR,
        1 => 10 * DAY..70 * DAY,
    ]
}
