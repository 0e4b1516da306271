//! Which commands are asked for.

use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use tidegate_agentgate::Owner;
use tidegate_kernel::Position;
use tidegate_replay::{Asked, Choose};

use super::kinds::CommandKinds;
use super::readable::ReadableCommand;
use crate::log_commands::replay::counts::Counts;

/// Which of AgentGate's commands a replay is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandFilters {
    pub owner: Option<Owner>,
}

impl fmt::Display for CommandFilters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owner.map_or(Ok(()), |owner| write!(f, " of organization {owner}"))
    }
}

/// Chooses commands by their owner.
pub struct ByOwner {
    filters: CommandFilters,
    voids: HashSet<Position>,
}

impl ByOwner {
    pub fn new(filters: &CommandFilters, voids: HashSet<Position>) -> Self {
        ByOwner { filters: filters.clone(), voids }
    }
}

#[async_trait]
impl Choose for ByOwner {
    type Record = ReadableCommand;
    type Counts = Counts<CommandKinds>;

    /// A command that cannot be decoded would halt its partition a second time, so it is never taken.
    fn asks_for(&self, command: &ReadableCommand) -> Asked {
        match (&command.kind, self.filters.owner) {
            (_, Some(wanted)) if command.owner.is_some_and(|owner| owner != wanted) => Asked::NotByKey,
            (None, _) => Asked::Unreadable { passes: false },
            (Some(_), _) => Asked::Yes,
        }
    }

    fn is_set_aside(&self, position: Position) -> bool {
        self.voids.contains(&position)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidegate_agentgate::{AgentGate, Command, OrgId};
    use tidegate_kernel::Timestamp;
    use tidegate_kernel::command::{Decider, Envelope, OwnerId, Rules};
    use tidegate_ports::Consumed;
    use tidegate_replay::{Candidate, Chooser, OffsetRanges, Replayable, Selection, SelectionRange};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_778_855_521_123);

    fn owner(number: u128) -> Owner {
        Owner::Org(OrgId::from_bits(number))
    }

    fn tick(owner: Owner, rules: Rules) -> Bytes {
        let command = Command::Tick {};
        Envelope::<AgentGate> { rules, owner, attempt: None, key: None, received_at: NOW, command }.encode().into()
    }

    #[test]
    fn owner_and_kind_are_read_and_a_later_release_is_known_by_its_owner() {
        let read = ReadableCommand::read(&tick(owner(1), AgentGate::RULES));
        assert_eq!((read.owner, read.kind.as_deref()), (Some(owner(1)), Some("tick")));
        let text = String::from_utf8(tick(owner(2), AgentGate::RULES).to_vec()).unwrap();
        let newer = ReadableCommand::read(&text.replace("\"tick\"", "\"fly\"").into());
        assert_eq!((newer.owner, newer.key()), (Some(owner(2)), Some(owner(2).log_key())));
        assert_eq!(newer.kind, None);
        let garbage = ReadableCommand::read(&Bytes::from_static(b"no command"));
        assert!(garbage.owner.is_none() && garbage.kind.is_none() && garbage.key().is_none());
    }

    #[tokio::test]
    async fn what_is_void_or_unreadable_is_never_chosen_and_an_organization_is_chosen_by_its_id() {
        let at = |offset| Position { generation: 1, partition: 0, offset };
        let payloads = [
            tick(owner(1), AgentGate::RULES),
            tick(owner(2), AgentGate::RULES),
            tick(owner(1), AgentGate::RULES),
            Bytes::from_static(b"no command"),
        ];
        let candidates: Vec<Candidate<ReadableCommand>> = (0..)
            .zip(&payloads)
            .map(|(offset, payload)| Candidate::of_record(Consumed::plain(at(offset), NOW, payload.clone())))
            .collect();
        let all: OffsetRanges = "0:0-".parse().unwrap();
        for range in [SelectionRange::Time { from: NOW, to: None }, SelectionRange::Offsets(all)] {
            for (wanted, chosen, not_asked_for) in [(None, vec![0, 1], 0), (Some(owner(2)), vec![1], 1)] {
                let selection = Selection {
                    log: "a log".to_owned(),
                    range: range.clone(),
                    filters: CommandFilters { owner: wanted },
                };
                let product = ByOwner::new(&selection.filters, HashSet::from([at(2)]));
                let choices = Chooser::new(&selection, product).choose(&candidates).await.unwrap();
                let offsets: Vec<i64> = choices.chosen.iter().map(|one| one.position.offset).collect();
                let passed_over = choices.counts.passed_over;
                assert_eq!(offsets, chosen, "{range:?} {wanted:?}");
                assert_eq!(
                    (passed_over.void, passed_over.unreadable, passed_over.not_asked_for),
                    (1, 1, not_asked_for)
                );
            }
        }
    }
}
