//! Ids: the published pattern, regions, round trips.

use proptest::prelude::*;
use tidegate_agentping::{Credential, CredentialError, EventId, IdError, PingToken, RunId};
use tidegate_kernel::{Region, Timestamp};

const HEX: &str = "018f3a2b9c1d7e8fa4b9c2d7e8f1a3b6";

#[test]
fn the_documented_example_parses() {
    let text = format!("run_eu_{HEX}");
    let id = RunId::parse(&text).expect("the documented example");
    assert_eq!((id.region(), id.to_string()), (Region::Eu, text));
    assert_eq!(id.birth(), Timestamp::from_millis(0x018f_3a2b_9c1d));
}

#[test]
fn malformed_ids_are_refused() {
    let malformed = |text: &str| matches!(RunId::parse(text), Err(IdError::Pattern { prefix: "run" }));
    for text in [
        "".to_owned(),
        "run".to_owned(),
        "run_eu".to_owned(),
        "run_eu_".to_owned(),
        format!("run_eu_{}", &HEX[1..]),
        format!("run_eu_{HEX}0"),
        format!("run_eu_{}", HEX.to_uppercase()),
        format!("Run_eu_{HEX}"),
        format!("evt_eu_{HEX}"),
        format!("run_EU_{HEX}"),
        format!("run-eu-{HEX}"),
        format!("run_e_{HEX}"),
        format!("run_eur_{HEX}"),
        format!(" run_eu_{HEX}"),
        format!("run_eu_{HEX}\n"),
        format!("run_é_{}", &HEX[1..]),
        format!("run_eu_{}é", &HEX[2..]),
    ] {
        assert!(malformed(&text), "{text:?}");
    }
}

/// AP-09: the region is named, after the pattern has been judged.
#[test]
fn unknown_regions_are_named() {
    let unknown = IdError::UnknownRegion { region: "fr".to_owned() };
    assert_eq!(RunId::parse(&format!("run_fr_{HEX}")), Err(unknown));
}

#[test]
fn credentials_are_told_apart_and_never_shown() {
    let key = Credential::parse(&format!("apk_eu_{HEX}")).expect("a key");
    let token = Credential::parse(&format!("ping_us_{HEX}")).expect("a token");
    assert!(matches!(key, Credential::ApiKey(_)) && matches!(token, Credential::PingToken(_)));
    assert_eq!((key.region(), token.region()), (Region::Eu, Region::Us));
    assert_ne!(key.hash(), token.hash());
    for shown in [format!("{key:?}"), format!("{token:?}"), format!("{:?}", key.hash())] {
        assert!(!shown.contains(&HEX[..6]), "{shown}");
    }
    assert_eq!(Credential::parse("ping_eu_x"), Err(CredentialError::Malformed));
    let fr = Credential::parse(&format!("apk_fr_{HEX}"));
    assert_eq!(fr, Err(CredentialError::UnknownRegion { region: "fr".to_owned() }));
}

proptest! {
    #[test]
    fn minted_ids_are_uuid_v7_and_round_trip(millis in 0i64..1 << 48, random in any::<[u8; 10]>(), us in any::<bool>()) {
        let region = if us { Region::Us } else { Region::Eu };
        let id = EventId::mint(region, Timestamp::from_millis(millis), &random);
        let text = id.to_string();
        prop_assert_eq!(EventId::parse(&text), Ok(id));
        prop_assert_eq!(id.birth().as_millis(), millis);
        let hex = text.rsplit('_').next().unwrap_or_default();
        prop_assert_eq!(hex.as_bytes()[12], b'7');
        prop_assert!(matches!(hex.as_bytes()[16], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn ids_sort_by_birth_as_text(earlier in 0i64..1 << 40, later in 0i64..1 << 40, random in any::<[u8; 10]>()) {
        prop_assume!(earlier < later);
        let mint = |millis| RunId::mint(Region::Eu, Timestamp::from_millis(millis), &random).to_string();
        prop_assert!(mint(earlier) < mint(later));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,60}") {
        if let Ok(id) = PingToken::parse(&text) {
            prop_assert_eq!(id.expose(), text);
        }
    }

    #[test]
    fn texts_of_the_pattern_parse(text in "run_(eu|us)_[0-9a-f]{32}") {
        prop_assert_eq!(RunId::parse(&text).map(|id| id.to_string()), Ok(text));
    }
}
