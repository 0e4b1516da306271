//! The choice, in a table.

use bytes::Bytes;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_ports::Origin;
use tidegate_replay::{Choice, Reason, SelectionRange};

use super::super::samples::{candidate, events, finish, key, newer, place, slug, start, team, unreadable};
use super::*;

type Selection = tidegate_replay::Selection<Filters>;
type Candidate = tidegate_replay::Candidate<Readable>;

fn selection(range: SelectionRange, filters: Filters) -> Selection {
    Selection { log: "a log".to_owned(), range, filters }
}

fn judge(selection: &Selection, candidate: &Candidate) -> Choice {
    let asked = ByFilters::new(&selection.filters, Arc::new(MemoryRuns::default())).asks_for(&candidate.record);
    tidegate_replay::judge(selection.is_explicit(), candidate.origin.is_some(), asked)
}

fn by_time(filters: Filters) -> Selection {
    selection(SelectionRange::Time { from: super::super::samples::NOW, to: None }, filters)
}

fn by_offsets(filters: Filters) -> Selection {
    selection(SelectionRange::Offsets("0:0-9".parse().unwrap()), filters)
}

fn of_team(number: u128) -> Filters {
    Filters { team: Some(team(number)), ..Filters::default() }
}

fn of_agent(agent: &str) -> Filters {
    Filters { agent: Some(slug(agent)), ..Filters::default() }
}

fn of_kind(kind: Kind) -> Filters {
    Filters { kind: Some(kind), ..Filters::default() }
}

fn replayed(payload: &Bytes) -> Candidate {
    let origin = Origin { position: place(1), attempt: 2 };
    Candidate { origin: Some(origin), ..candidate(5, payload) }
}

#[test]
fn by_time_and_dead_letters() {
    use Choice::{Chosen, LookUp, PassedOver};
    use Reason::{NotAskedFor, Replay, Unreadable};
    let (plain, all) = (|payload: &Bytes| candidate(5, payload), Filters::default);
    let cases = [
        (plain(&start(1, "a")), all(), Chosen),
        (plain(&events(1, [7])), all(), Chosen),
        (replayed(&start(1, "a")), all(), PassedOver(Replay)),
        (plain(&unreadable()), all(), PassedOver(Unreadable)),
        (plain(&newer(1)), all(), PassedOver(Unreadable)),
        (plain(&start(1, "a")), of_team(1), Chosen),
        (plain(&start(1, "a")), of_team(2), PassedOver(NotAskedFor)),
        (plain(&newer(1)), of_team(2), PassedOver(NotAskedFor)),
        (plain(&start(1, "a")), of_agent("a"), Chosen),
        (plain(&start(1, "a")), of_agent("b"), PassedOver(NotAskedFor)),
        (plain(&events(1, [7])), of_agent("a"), LookUp),
        (plain(&finish(1)), of_agent("a"), LookUp),
        (plain(&start(1, "a")), of_kind(Kind::Start), Chosen),
        (plain(&finish(1)), of_kind(Kind::Start), PassedOver(NotAskedFor)),
        (plain(&events(1, [7])), Filters { agent: Some(slug("a")), ..of_kind(Kind::Start) }, PassedOver(NotAskedFor)),
    ];
    for (number, (candidate, filters, choice)) in cases.into_iter().enumerate() {
        assert_eq!(judge(&by_time(filters.clone()), &candidate), choice, "{number}");
        assert_eq!(
            judge(&selection(SelectionRange::DeadLetters, filters), &candidate),
            choice,
            "{number}, as a dead letter"
        );
    }
}

#[test]
fn a_named_position_is_taken_whatever_is_there() {
    use Choice::{Chosen, PassedOver};
    use Reason::{NotAskedFor, Unreadable};
    let cases = [
        (replayed(&start(1, "a")), Filters::default(), Chosen),
        (candidate(5, &unreadable()), Filters::default(), Chosen),
        (candidate(5, &newer(1)), of_team(1), Chosen),
        (candidate(5, &newer(1)), of_team(2), PassedOver(NotAskedFor)),
        (candidate(5, &unreadable()), of_team(1), PassedOver(Unreadable)),
        (candidate(5, &newer(1)), of_agent("a"), PassedOver(Unreadable)),
        (candidate(5, &newer(1)), of_kind(Kind::Finish), PassedOver(Unreadable)),
    ];
    for (number, (candidate, filters, choice)) in cases.into_iter().enumerate() {
        assert_eq!(judge(&by_offsets(filters), &candidate), choice, "{number}");
    }
}

#[test]
fn a_record_goes_again_with_its_bytes_its_key_and_its_position() {
    let payload = start(1, "a");
    let again = candidate(5, &payload).again();
    assert_eq!((again.key, again.payload), (Some(key(1).log_key()), payload.clone()));
    assert_eq!(again.origin, Origin { position: place(5), attempt: 2 });
    assert_eq!(replayed(&payload).again().origin, Origin { position: place(5), attempt: 3 });
    assert_eq!(candidate(5, &newer(1)).again().key, Some(key(1).log_key()), "the ids of a newer record can be read");
    assert_eq!(candidate(5, &unreadable()).again().key, None);
}
