//! Refusals of an instance that works and is too busy. The texts are constants: refusing must cost little.

use tidegate_admission::{Class, ShedCause};

/// Names both the class and the cause, as the members of the envelope do.
pub(super) const fn shed_message(class: Class, cause: ShedCause) -> &'static str {
    macro_rules! behind {
        ($what:literal) => {
            match cause {
                ShedCause::Age => concat!(
                    "The service is catching up: its oldest waiting record is too old, so some or all ",
                    $what,
                    " are refused for now (cause: age). Send the same again."
                ),
                ShedCause::Records => concat!(
                    "The service is catching up: too many records are waiting, so some or all ",
                    $what,
                    " are refused for now (cause: records). Send the same again."
                ),
                ShedCause::Unknown => concat!(
                    "How far the service is behind is not known, so some or all ",
                    $what,
                    " are refused for now (cause: unknown). Send the same again."
                ),
                ShedCause::PartitionHalted => concat!(
                    "The part of the log that this run belongs to stands still, so some or all ",
                    $what,
                    " for it are refused for now (cause: partition_halted). Send the same again."
                ),
            }
        };
    }
    match class {
        Class::Events => behind!("events"),
        Class::Start => behind!("starts"),
        Class::Finish => behind!("finishes"),
        Class::Heartbeat => behind!("heartbeats"),
    }
}
