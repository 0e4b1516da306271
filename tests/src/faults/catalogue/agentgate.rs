//! The faults that are done to AgentGate.

use std::time::Duration;

use super::{Fault, Ground, fault, short};
use crate::faults::agentgate::{deciders, front_doors, log, redis, store, workers};
use crate::faults::proxy::Mode;

pub const AGENTGATE: &[Fault] = &[
    short(fault(
        "agentgate-worker-killed",
        Ground::Own,
        "kill -9 of a worker between each two of its steps, and one that comes back to a run that is another's",
        does!(workers::killed),
    )),
    short(fault(
        "agentgate-dev-decider-dies",
        Ground::Own,
        "tidegate dev dies after each of the decider's writes",
        does!(deciders::die_alone),
    )),
    short(fault(
        "agentgate-dev-door-dies",
        Ground::Own,
        "tidegate dev dies between the append of a command and its answer",
        does!(front_doors::die_alone),
    )),
    short(fault(
        "agentgate-decider-dies",
        Ground::Gate,
        "deciders die after each of their writes",
        does!(deciders::die),
    )),
    short(fault(
        "agentgate-suspended-after-views",
        Ground::Gate,
        "a decider is suspended between views and facts until the other has its partitions, and goes on",
        does!(g => deciders::is_suspended(g, "decider::after_views")),
    )),
    fault(
        "agentgate-suspended-after-facts",
        Ground::Gate,
        "the same between facts and books",
        does!(g => deciders::is_suspended(g, "decider::after_facts")),
    ),
    fault("agentgate-zombie", Ground::Gate, "a decider stopped for 40 s and continued", does!(deciders::stand_still)),
    short(fault(
        "agentgate-door-dies",
        Ground::Gate,
        "a front door dies between the append of a command and its answer",
        does!(front_doors::die),
    )),
    fault(
        "agentgate-redis-down",
        Ground::Gate,
        "no server listens where Redis was",
        does!(g => redis::is(g, Mode::Refuse)),
    ),
    short(fault(
        "agentgate-redis-hangs",
        Ground::Gate,
        "Redis takes requests and does not answer",
        does!(g => redis::is(g, Mode::Hang)),
    )),
    short(fault(
        "agentgate-redis-flushed",
        Ground::Gate,
        "Redis forgets everything, five times",
        does!(redis::flushed),
    )),
    short(fault(
        "agentgate-store-away",
        Ground::Gate,
        "the store is away for 8 s",
        does!(g => store::is(g, Mode::Refuse, Duration::from_secs(8))),
    )),
    fault(
        "agentgate-store-down",
        Ground::Gate,
        "the store is away for 60 s",
        does!(g => store::is(g, Mode::Refuse, Duration::from_secs(60))),
    ),
    fault(
        "agentgate-store-hangs",
        Ground::Gate,
        "the store takes requests and does not answer, for 20 s",
        does!(g => store::is(g, Mode::Hang, Duration::from_secs(20))),
    ),
    fault(
        "agentgate-kafka-down",
        Ground::GateCluster,
        "no server listens where Kafka was, for 20 s",
        does!(g => log::is(g, Mode::Refuse, Duration::from_secs(20))),
    ),
    fault(
        "agentgate-write-times-out",
        Ground::GateCluster,
        "writes reach Kafka and their answers do not come, for 20 s",
        does!(g => log::is(g, Mode::HangAnswers, Duration::from_secs(20))),
    ),
    fault(
        "agentgate-no-leader",
        Ground::GateCluster,
        "kill -9 of each broker in turn: its partitions have no leader until it is back",
        does!(log::without_leaders),
    ),
];
