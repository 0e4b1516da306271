//! The documents on the log and in stores.

use tidegate_kernel::LogKey;
use tidegate_kernel::command::{
    Attempt, BookState, CommandOutcome, Envelope, EnvelopeError, Fact, FactId, KeyHash, OwnerId, Rules,
};

use super::purse::{Answer, Command, Hold, Name, Purse, Refusal};
use super::{OWNER, answered, at, envelope, is_same, keyed, state, time};

const DEPOSIT: &str = r#"{"v":1,"rules":1,"owner":7,"attempt":"00000000000000000000000000000001","received_at_ms":200,"body":{"deposit":1}}"#;

const KEYED: &str = concat!(
    r#"{"v":1,"rules":1,"owner":7,"attempt":"00000000000000000000000000000001","#,
    r#""key":{"hash":"00000000000000000000000000000005","fingerprint":"000000000000000000000000000000ff"},"#,
    r#""received_at_ms":200,"body":"tick"}"#
);

#[test]
fn a_command_is_written_as_it_always_was_and_read_as_it_is_written() {
    for (command, text) in [(envelope(Command::Deposit(1), 200), DEPOSIT), (keyed(Command::Tick, 200, 255), KEYED)] {
        assert_eq!(String::from_utf8(command.encode()).as_deref(), Ok(text));
        is_same(&Envelope::decode(text.as_bytes()).expect("a command"), &command);
    }
}

#[test]
fn a_tick_carries_no_attempt() {
    let mut tick = envelope(Command::Tick, 200);
    tick.attempt = None;
    let text = String::from_utf8(tick.encode()).expect("text");
    assert!(!text.contains("attempt"), "{text}");
    is_same(&Envelope::<Purse>::decode(text.as_bytes()).expect("a command"), &tick);
}

#[test]
fn what_this_release_cannot_decide_is_refused_by_its_cause() {
    let change = |from: &str, to: &str| {
        assert!(DEPOSIT.contains(from), "{from}");
        DEPOSIT.replace(from, to)
    };
    let malformed = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{DEPOSIT}x"),
        format!("{DEPOSIT}{DEPOSIT}"),
        DEPOSIT[..DEPOSIT.len() - 1].to_owned(),
        change("deposit", "unheard_of"),
        change(r#"{"deposit":1}"#, r#"{"deposit":-1}"#),
        change(r#"{"deposit":1}"#, r#"{"deposit":1,"grant":1}"#),
        change(r#""owner":7,"#, ""),
        change("00000000000000000000000000000001", "1"),
        change(r#""rules":1,"#, ""),
        change(r#""rules":1"#, r#""rules":70000"#),
        change(r#""v":1,"#, ""),
    ];
    for text in malformed {
        let read = Envelope::<Purse>::decode(text.as_bytes());
        assert!(matches!(read, Err(EnvelopeError::Malformed(_))), "{text}: {read:?}");
    }
    for version in [0, 2] {
        let text = change(r#""v":1"#, &format!(r#""v":{version}"#));
        let read = Envelope::<Purse>::decode(text.as_bytes());
        assert!(matches!(read, Err(EnvelopeError::Format(named)) if named == version), "{text}: {read:?}");
    }
    // Newer rules may come with a kind that this release does not know: the rules are what it reports.
    for text in
        [change(r#""rules":1"#, r#""rules":4"#), change(r#""rules":1"#, r#""rules":4"#).replace("deposit", "new")]
    {
        let read = Envelope::<Purse>::decode(text.as_bytes());
        let Err(EnvelopeError::Rules { named, known }) = read else {
            panic!("{text}: {read:?}");
        };
        assert_eq!((named, known), (Rules::new(4), Rules::new(3)));
    }
    assert!(Envelope::<Purse>::decode(change(r#""rules":1"#, r#""rules":3"#).as_bytes()).is_ok());
}

#[test]
fn every_outcome_is_read_as_it_is_written() {
    let effects = vec![(Name(8), Attempt::from_bits(9))];
    for (outcome, text) in [
        (CommandOutcome::Answered(Answer { balance: 3 }), r#"{"answered":{"balance":3}}"#),
        (CommandOutcome::Refused(Refusal::TooLittle { free: 2 }), r#"{"refused":{"too_little":{"free":2}}}"#),
        (CommandOutcome::Repeated(Answer { balance: 3 }), r#"{"repeated":{"balance":3}}"#),
        (CommandOutcome::Mismatched, r#""mismatched""#),
        (CommandOutcome::Expired, r#""expired""#),
    ] {
        let whole = Fact::<Purse> { outcome, effects: effects.clone(), ..answered(6, 150, 1) };
        let plain = Fact { effects: Vec::new(), fingerprint: None, ..whole.clone() };
        let doc = String::from_utf8(plain.encode()).expect("text");
        assert_eq!(doc, format!(r#"{{"decided_at_ms":150,"outcome":{text}}}"#));
        for fact in [whole, plain] {
            assert_eq!(Fact::decode(at(6), &fact.encode()).expect("a fact"), fact);
        }
    }
    let error = Fact::<Purse>::decode(at(6), b"{}").expect_err("no fact");
    assert!(error.to_string().starts_with("the fact of 1/3/6 cannot be read"), "{error}");
}

#[test]
fn a_book_is_read_as_it_is_written() {
    let mut state = state(6, 150, 3);
    state.rules = Rules::new(2);
    state.book.holds.insert(4, Hold { amount: 2, until: time(900) });
    let doc = String::from_utf8(state.encode()).expect("text");
    assert_eq!(
        doc,
        r#"{"rules":2,"now_ms":150,"book":{"balance":3,"holds":{"4":{"amount":2,"until":900}},"spends":0}}"#
    );
    assert_eq!(BookState::decode(at(6), doc.as_bytes()).expect("a book"), state);
    let error = BookState::<super::purse::Book>::decode(at(6), b"{}").expect_err("no book");
    assert!(error.to_string().starts_with("the book decided to 1/3/6 cannot be read"), "{error}");
}

#[test]
fn names_of_facts_are_read_as_they_are_written_and_nothing_else_is() {
    for id in [FactId::Attempt(Attempt::from_bits(u128::MAX - 5)), FactId::Key(KeyHash(5)), FactId::Key(KeyHash(0))] {
        assert_eq!(FactId::from_bytes(id.to_bytes()), Some(id));
    }
    let mut other = FactId::Key(KeyHash(5)).to_bytes();
    other[0] = b'x';
    assert_eq!(FactId::from_bytes(other), None);
}

#[test]
fn a_shard_belongs_to_one_partition_where_the_count_divides_the_shards() {
    for partitions in [1, 2, 16, 1_024] {
        for owner in (0..2_000).map(|number| Name(number).log_key()) {
            assert!(owner.shard() < LogKey::SHARDS);
            assert_eq!(u32::from(owner.shard()) % partitions, owner.partition(partitions));
        }
    }
    assert_eq!(OWNER.log_key().text(), "purse-7");
    // As the first tables were written.
    assert_eq!([0, 1, 7].map(|number| Name(number).log_key().shard()), [631, 733, 129]);
}
