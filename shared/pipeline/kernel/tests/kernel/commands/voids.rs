//! When a record may be void.

use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{AtRecord, Demands, Envelope, Registration, Release, Rules, VoidState, could_decide};

use super::purse::Purse;

const APPENDED_AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn release(name: &str, rules: u16) -> Release {
    Release { rules: Rules::new(rules), ..Envelope::<Purse>::release(name) }
}

fn registered(release: Release) -> Registration {
    Registration { release, seen_at: APPENDED_AT }
}

fn names(payload: &[u8], registered: &[Registration], unable: &[Release]) -> Vec<String> {
    let found = could_decide(Demands::of(payload), APPENDED_AT, registered, unable);
    found.into_iter().map(|release| release.to_string()).collect()
}

#[test]
fn a_release_is_known_not_to_decide_by_what_the_record_demands_or_by_its_own_report() {
    let (old, new) = (release("1.0.0", 1), release("2.0.0", 2));
    let both = [registered(old.clone()), registered(new.clone())];
    for (payload, could) in [
        (&br#"{"v":1,"rules":1,"body":{"haggle":{}}}"#[..], vec!["1.0.0 (rules 1)", "2.0.0 (rules 2)"]),
        (br#"{"v":1,"body":{}}"#, vec!["1.0.0 (rules 1)", "2.0.0 (rules 2)"]),
        (br#"{"v":1,"rules":2,"body":{}}"#, vec!["2.0.0 (rules 2)"]),
        (br#"{"v":1,"rules":3,"body":{}}"#, vec![]),
        (br#"{"v":2,"rules":1}"#, vec![]),
        // No format begins so.
        (b"no command", vec![]),
        (br#"{"v":"1"}"#, vec![]),
        (b"", vec![]),
    ] {
        assert_eq!(names(payload, &both, &[]), could, "{}", String::from_utf8_lossy(payload));
    }
    let known = br#"{"v":1,"rules":1,"body":{"haggle":{}}}"#;
    assert_eq!(names(known, &both, std::slice::from_ref(&new)), ["1.0.0 (rules 1)"]);
    assert_eq!(names(known, &both, &[old.clone(), new]), [""; 0]);
    // The report of one build says nothing of another one with its name.
    assert_eq!(names(known, &[registered(release("1.0.0", 2))], &[old]), ["1.0.0 (rules 2)"]);
}

#[test]
fn a_release_that_was_gone_when_the_record_was_appended_has_not_decided_it() {
    let gone_after_ms = i64::try_from(Registration::GONE_AFTER_MS).unwrap();
    for (seen_ms_before, could) in [(-1, true), (0, true), (gone_after_ms - 1, true), (gone_after_ms, false)] {
        let seen_at = APPENDED_AT.plus_millis(-seen_ms_before);
        let registration = Registration { release: release("1.0.0", 1), seen_at };
        let found = names(br#"{"v":1,"rules":1}"#, &[registration], &[]);
        assert_eq!(!found.is_empty(), could, "{seen_ms_before} ms before");
    }
}

#[test]
fn a_void_is_in_force_only_where_no_release_could_decide_and_only_then_a_record_is_skipped() {
    assert_eq!(VoidState::settled(&[]), VoidState::InForce);
    assert_eq!(VoidState::settled(&[release("1.0.0", 1)]), VoidState::Withdrawn);
    for (state, at) in [
        (None, AtRecord::Apply),
        (Some(VoidState::Asked), AtRecord::Wait),
        (Some(VoidState::InForce), AtRecord::Skip),
        (Some(VoidState::Withdrawn), AtRecord::Apply),
    ] {
        assert_eq!(VoidState::at(state), at);
        assert_eq!(state.and_then(|state| VoidState::parse(state.as_str())), state);
    }
    assert_eq!(VoidState::parse("void"), None);
}
