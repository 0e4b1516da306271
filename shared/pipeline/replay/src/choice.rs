//! Whether a record is appended again: one pure function.

/// What the product's filters say of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Yes,
    No,
    /// Its key alone shows that it is not asked for, whatever else it says.
    NotByKey,
    /// This build cannot read it.
    Unreadable {
        /// Whether it is taken where its position was named: no filter needs what could not be read.
        passes: bool,
    },
    /// The record does not say; [`crate::Choose::look_up`] may.
    NeedsLookUp,
}

/// The decision about one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Chosen,
    PassedOver(Reason),
    /// The store decides.
    LookUp,
}

/// Why a record is not appended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A filter rules it out.
    NotAskedFor,
    /// It is a replay itself; its original is what counts.
    Replay,
    /// This build cannot read it: appended again, it would become a dead letter again.
    Unreadable,
    /// Neither the store nor the records read before say whether it is asked for.
    Unknown,
    /// The log does not have it any more.
    Gone,
    /// The log does not take records of its size any more.
    TooLarge,
    /// The product has set aside what stands there; [`crate::Choose::is_set_aside`] says so.
    SetAside,
}

/// Decides about one record. `is_explicit`: its position was named by the selection.
pub const fn judge(is_explicit: bool, is_replay: bool, asked: Asked) -> Choice {
    match asked {
        Asked::NotByKey => Choice::PassedOver(Reason::NotAskedFor),
        _ if is_replay && !is_explicit => Choice::PassedOver(Reason::Replay),
        Asked::Yes => Choice::Chosen,
        Asked::No => Choice::PassedOver(Reason::NotAskedFor),
        Asked::Unreadable { passes: true } if is_explicit => Choice::Chosen,
        Asked::Unreadable { .. } => Choice::PassedOver(Reason::Unreadable),
        Asked::NeedsLookUp => Choice::LookUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_position_is_taken_whatever_is_there_unless_a_filter_rules_it_out() {
        use Choice::{Chosen, LookUp, PassedOver};
        use Reason::{NotAskedFor, Replay, Unreadable};
        // Asked; then the choice for a record, for a replay of one, and for either at a named position.
        for (asked, record, replay, named) in [
            (Asked::Yes, Chosen, PassedOver(Replay), Chosen),
            (Asked::No, PassedOver(NotAskedFor), PassedOver(Replay), PassedOver(NotAskedFor)),
            (Asked::NotByKey, PassedOver(NotAskedFor), PassedOver(NotAskedFor), PassedOver(NotAskedFor)),
            (Asked::Unreadable { passes: true }, PassedOver(Unreadable), PassedOver(Replay), Chosen),
            (Asked::Unreadable { passes: false }, PassedOver(Unreadable), PassedOver(Replay), PassedOver(Unreadable)),
            (Asked::NeedsLookUp, LookUp, PassedOver(Replay), LookUp),
        ] {
            assert_eq!(judge(false, false, asked), record, "{asked:?}");
            assert_eq!(judge(false, true, asked), replay, "{asked:?}, a replay");
            assert_eq!(judge(true, false, asked), named, "{asked:?}, at a named position");
            assert_eq!(judge(true, true, asked), named, "{asked:?}, a replay at a named position");
        }
    }
}
