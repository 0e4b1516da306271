//! What property tests send, and when.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

use crate::samples::{DAY, HOUR, MINUTE, SECOND};

/// What is sent. Runs are counted back from the last one submitted.
#[derive(Clone, Debug)]
pub enum Act {
    Submit {
        iterations: u32,
        price: u64,
        key: Option<u8>,
    },
    Cancel {
        back: u32,
    },
    Lease {
        worker: u32,
    },
    Progress {
        back: u32,
        off: i8,
        iterations: u32,
    },
    Finish {
        back: u32,
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
    Tick,
    /// An earlier record once more.
    Again {
        back: usize,
    },
}

pub fn act() -> impl Strategy<Value = Act> {
    let back = || 0..4u32;
    let off = || prop_oneof![6 => Just(0i8), 1 => Just(-1), 1 => Just(1)];
    prop_oneof![
        6 => (1..6u32, 0..80u64, prop::option::of(0..3u8))
            .prop_map(|(iterations, price, key)| Act::Submit { iterations, price, key }),
        2 => back().prop_map(|back| Act::Cancel { back }),
        6 => (0..3u32).prop_map(|worker| Act::Lease { worker }),
        5 => (back(), off(), 0..8u32).prop_map(|(back, off, iterations)| Act::Progress { back, off, iterations }),
        5 => (back(), off(), 0..8u32, any::<bool>())
            .prop_map(|(back, off, iterations, fails)| Act::Finish { back, off, iterations, fails }),
        1 => (0..500u64).prop_map(|cents| Act::Credit { cents }),
        1 => (0..900u64).prop_map(|cents| Act::Included { cents }),
        1 => (0..500u64).prop_map(|cents| Act::Purchased { cents }),
        1 => (0..5u32).prop_map(|limit| Act::Concurrency { limit }),
        1 => any::<bool>().prop_map(|suspended| Act::Suspend { suspended }),
        1 => Just(Act::Tick),
        2 => (0..6usize).prop_map(|back| Act::Again { back }),
    ]
}

/// Milliseconds before the next act.
pub fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0),
        4 => 0..SECOND,
        6 => 0..2 * MINUTE,
        2 => Just(MINUTE),
        2 => 5 * MINUTE..40 * MINUTE,
        1 => 23 * HOUR..26 * HOUR,
        1 => 10 * DAY..70 * DAY,
    ]
}
