//! The kinds of requests that are shed by themselves: bulk first, heartbeats last, because a shed heartbeat looks like a
//! dead agent.

use tidegate_agentping::Body;
use tidegate_shedding::{Rank, ShedClass};

/// What kind of request asks, from the last to be shed to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Heartbeat,
    Finish,
    Start,
    Events,
}

impl Class {
    pub const ALL: [Class; 4] = [Class::Heartbeat, Class::Finish, Class::Start, Class::Events];

    /// The class of a request with this body.
    pub const fn of(body: &Body) -> Class {
        match body {
            Body::Start(_) => Class::Start,
            Body::Events(_) => Class::Events,
            Body::Finish(_) => Class::Finish,
            Body::Heartbeat(_) => Class::Heartbeat,
        }
    }

    /// Its name for machines, in answers and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Class::Heartbeat => "heartbeat",
            Class::Finish => "finish",
            Class::Start => "start",
            Class::Events => "events",
        }
    }
}

impl ShedClass for Class {
    const ALL: &'static [Class] = &Class::ALL;

    fn rank(self) -> Rank {
        match self {
            Class::Events => Rank::First,
            Class::Start => Rank::Second,
            Class::Finish => Rank::Third,
            Class::Heartbeat => Rank::Last,
        }
    }

    fn label(self) -> &'static str {
        Class::label(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_in_the_order_of_their_list_and_of_their_ranks() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
        }
        assert_eq!(Class::ALL.map(ShedClass::rank), Rank::ALL);
    }
}
