//! Receipts: whatever is on one reads back, and a text that reads is the one text of what it says.

#![no_main]

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tidegate_agentping::receipt::CHARS;
use tidegate_agentping::{Receipt, TeamId};
use tidegate_kernel::{Position, Region, Timestamp};

fn given(bytes: &mut Unstructured<'_>) -> Result<Receipt> {
    let region = if bytes.arbitrary()? { Region::Eu } else { Region::Us };
    Ok(Receipt {
        position: Position {
            generation: bytes.arbitrary()?,
            partition: bytes.arbitrary()?,
            offset: bytes.arbitrary()?,
        },
        team: TeamId::from_bits(region, bytes.arbitrary()?),
        received_at: Timestamp::from_millis(bytes.arbitrary()?),
    })
}

fn reads_as_itself(text: &str) {
    if let Ok(receipt) = Receipt::parse(text) {
        assert_eq!(receipt.text().as_str(), text);
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        reads_as_itself(text);
    }
    let mut bytes = Unstructured::new(input);
    let Ok(receipt) = given(&mut bytes) else { return };
    let text = receipt.text().as_str().to_owned();
    assert_eq!((Receipt::parse(&text), text.len()), (Ok(receipt), CHARS));
    // One character changed, at a place that the input chooses: distinguished from the one that was issued, or at least
    // not read as it. (The check is one of slips: two receipts in four thousand million share it.)
    let at = usize::from(bytes.arbitrary::<u8>().unwrap_or_default()) % CHARS;
    let mut changed = text.clone().into_bytes();
    changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
    let changed = String::from_utf8(changed).expect("still ASCII");
    assert_ne!(Receipt::parse(&changed), Ok(receipt));
    reads_as_itself(&changed);
});
