//! Receipts: round trips, and what is no receipt.

use proptest::prelude::*;
use tidegate_agentping::TeamId;
use tidegate_agentping::receipt::{CHARS, Receipt, ReceiptError};
use tidegate_kernel::{Position, Region, Timestamp};

fn sample() -> Receipt {
    Receipt {
        position: Position { generation: 1, partition: 7, offset: 4_711 },
        team: TeamId::from_bits(Region::Eu, 0x018f_3a2b_9c1d_7e8f_a4b9_c2d7_e8f1_a3b6),
        received_at: Timestamp::from_millis(1_778_855_521_123),
    }
}

/// Receipts are kept by clients: what was given out once must be readable for as long as it is answered.
#[test]
fn the_first_version_in_bytes() {
    let text = "rcp_eu_010001000000070000000000001267018f3a2b9c1d7e8fa4b9c2d7e8f1a3b60000019e2c0d2b637e29e1dc";
    assert_eq!(sample().to_string(), text);
    assert_eq!((Receipt::parse(text), text.len()), (Ok(sample()), CHARS));
}

#[test]
fn what_is_no_receipt_says_why() {
    let text = sample().to_string();
    for malformed in [
        "".to_owned(),
        "rcp".to_owned(),
        "rcp_".to_owned(),
        "rcp_e".to_owned(),
        "rcp_eu_".to_owned(),
        text[..CHARS - 1].to_owned(),
        format!("{text}0"),
        format!(" {text}"),
        text.to_uppercase(),
        text.replace("rcp_", "run_"),
        text.replace("_eu_", "_EU_"),
        text.replace("_eu_", "_éu_"),
        format!("{}é", &text[..CHARS - 2]),
    ] {
        assert_eq!(Receipt::parse(&malformed), Err(ReceiptError::Pattern), "{malformed}");
    }
    let fr = ReceiptError::UnknownRegion { region: "fr".to_owned() };
    assert_eq!(Receipt::parse(&text.replace("_eu_", "_fr_")), Err(fr));
    // The region is under the check, too: the other one's text is not made by hand.
    assert_eq!(Receipt::parse(&text.replace("_eu_", "_us_")), Err(ReceiptError::Altered));
    for (version, digits) in [(0, "_00"), (2, "_02"), (255, "_ff")] {
        let other = text.replace("_01", digits);
        assert_eq!(Receipt::parse(&other), Err(ReceiptError::Version { version }), "{other}");
    }
    assert!(ReceiptError::Pattern.to_string().contains("rcp_(eu|us)_[0-9a-f]{86}"), "{}", ReceiptError::Pattern);
}

fn receipts() -> impl Strategy<Value = Receipt> {
    let region = prop_oneof![Just(Region::Eu), Just(Region::Us)];
    let position = (any::<u16>(), any::<u32>(), any::<i64>());
    (region, position, any::<u128>(), any::<i64>()).prop_map(
        |(region, (generation, partition, offset), team, millis)| Receipt {
            position: Position { generation, partition, offset },
            team: TeamId::from_bits(region, team),
            received_at: Timestamp::from_millis(millis),
        },
    )
}

proptest! {
    #[test]
    fn every_receipt_reads_back(receipt in receipts()) {
        let text = receipt.to_string();
        prop_assert_eq!(text.len(), CHARS);
        let head = format!("rcp_{}_", receipt.region());
        prop_assert!(text.starts_with(&head));
        let on_the_stack = receipt.text();
        prop_assert_eq!(on_the_stack.as_bytes(), text.as_bytes());
        prop_assert_eq!(text.parse::<Receipt>(), Ok(receipt));
    }

    /// One changed digit never makes another receipt.
    #[test]
    fn a_slip_of_the_pen_is_told(receipt in receipts(), at in 7..CHARS, digit in 0..16_u8) {
        let mut text = receipt.to_string().into_bytes();
        let put = b"0123456789abcdef"[usize::from(digit)];
        prop_assume!(text[at] != put);
        text[at] = put;
        let text = String::from_utf8(text).unwrap();
        prop_assert!(Receipt::parse(&text).is_err(), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,120}", hex in "rcp_[a-z]{2}_[0-9a-f]{86}") {
        let _ = Receipt::parse(&text);
        prop_assert!(Receipt::parse(&hex).is_err() || hex.parse::<Receipt>().unwrap().to_string() == hex);
    }
}
