//! Ids and credentials: exactly the published pattern, and no secret in what is said about them.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use tidegate_agentping::id::{
    AgentKind, ApiKeyKind, EventKind, Id, IdKind, KeyHandleKind, PingTokenKind, RunKind, TeamKind, TokenHandleKind,
};
use tidegate_agentping::{Credential, IdError, RunId};

/// The pattern read once more, by hand: `Err` names a region that is none of ours.
fn judged<'t>(prefix: &str, text: &'t str) -> Option<Result<(&'t str, u128), &'t str>> {
    let parts: Vec<&str> = text.split('_').collect();
    let [kind, region, hex] = parts.as_slice() else { return None };
    let lower = |byte: u8| byte.is_ascii_lowercase();
    let fits = *kind == prefix
        && region.len() == 2
        && region.bytes().all(lower)
        && hex.len() == 32
        && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    let bits = u128::from_str_radix(hex, 16).ok().filter(|_| fits)?;
    Some(if matches!(*region, "eu" | "us") { Ok((region, bits)) } else { Err(region) })
}

/// No run of 8 hex digits of the text shows.
fn is_silent(shown: &impl Debug, text: &str) {
    let shown = format!("{shown:?}");
    let windows = text.as_bytes().windows(8).filter(|window| window.iter().all(u8::is_ascii_hexdigit));
    for digits in windows.filter_map(|window| std::str::from_utf8(window).ok()) {
        assert!(!shown.contains(digits), "{shown} tells of a secret");
    }
}

fn check<K: IdKind>(text: &str) {
    let parsed = Id::<K>::parse(text);
    match (judged(K::PREFIX, text), &parsed) {
        (Some(Ok((region, bits))), Ok(id)) => {
            assert_eq!((id.region().as_str(), id.bits()), (region, bits));
            assert_eq!(id.expose(), text);
            is_silent(id, text);
        }
        (Some(Err(word)), Err(IdError::UnknownRegion { region })) => assert_eq!(word, region),
        (None, Err(error @ IdError::Pattern { .. })) => is_silent(error, text),
        (expected, found) => panic!("{text:?} is {expected:?}, and was read as {found:?}"),
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    check::<RunKind>(text);
    check::<EventKind>(text);
    check::<AgentKind>(text);
    check::<TeamKind>(text);
    check::<KeyHandleKind>(text);
    check::<TokenHandleKind>(text);
    check::<ApiKeyKind>(text);
    check::<PingTokenKind>(text);
    let credential = Credential::parse(text);
    assert_eq!(credential.is_ok(), ["apk", "ping"].iter().any(|kind| matches!(judged(kind, text), Some(Ok(_)))));
    is_silent(&credential, text);
    if let Ok(credential) = credential {
        is_silent(&credential.hash(), text);
    }
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    assert_eq!(serde_json::from_str::<RunId>(&quoted).ok(), RunId::parse(text).ok());
});
