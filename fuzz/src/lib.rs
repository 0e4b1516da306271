//! What every target holds its input to: a request ends in a record that reads back, or in a refusal that is the
//! caller's fault and says so in bounded words.

pub mod history;

use tidegate_agentping::{Body, Outcome, Record, RunId, RunKey, RunState, TeamId};
use tidegate_ingest::parse::{Fault, ParseOptions};
use tidegate_ingest::refusal_table::Problem;
use tidegate_kernel::{Region, Timestamp};

/// 2026-05-15T14:32:01.123Z.
pub const RECEIVED_AT: Timestamp = Timestamp::from_millis(1_778_855_521_123);

/// What is around a record's body, and what each of its members may add to what was sent.
const OVERHEAD_BYTES: usize = 4_096;
/// A record is at most so many times its request: else the limit on bodies would not bound records.
const GROWTH: usize = 4;
/// The longest message to a client. Names that it made up are cut at 128 characters.
pub const MESSAGE_BYTES: usize = 2_048;

/// As a front door of `eu` reads. The first byte of the input chooses the switches.
pub fn reading(switches: u8) -> ParseOptions {
    ParseOptions {
        region: Region::Eu,
        ignore_unknown: switches & 1 != 0,
        keep_metadata: switches & 2 != 0,
        received_at: RECEIVED_AT,
    }
}

/// The switches and the text of an input; `None` where it is no text.
pub fn body(input: &[u8]) -> Option<(ParseOptions, &str)> {
    let (switches, text) = input.split_first()?;
    Some((reading(*switches), std::str::from_utf8(text).ok()?))
}

pub const fn key(run: u128) -> RunKey {
    RunKey { team: TeamId::from_bits(Region::Eu, 7), run: RunId::from_bits(Region::Eu, run) }
}

/// A request was taken: its record is bounded, reads back as it was written, and adds to a run exactly once.
pub fn taken(sent_bytes: usize, run: Option<RunId>, body: Body) {
    let run = run.map_or(key(42), |run| RunKey { run, ..key(0) });
    let record = Record::new(run, RECEIVED_AT, body);
    let bytes = record.encode();
    assert!(bytes.len() <= GROWTH * sent_bytes + OVERHEAD_BYTES, "{sent_bytes} bytes grew to {}", bytes.len());
    let read = Record::decode(&bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)));
    assert_eq!(read, record);
    let mut state = RunState::default();
    assert_eq!(state.apply(record).outcome, Outcome::Applied);
    let once = state.run.clone();
    assert_eq!(state.apply(read).outcome, Outcome::Duplicate);
    assert_eq!(state.run, once);
}

/// A request was refused: with 4xx, in an envelope that is JSON, in few words.
pub fn refused(fault: Fault) {
    let entry = Problem::from(fault).entry();
    assert!(entry.status.is_client_error(), "{entry:?}");
    assert!(entry.message.len() <= MESSAGE_BYTES, "{} bytes: {}", entry.message.len(), entry.message);
    let envelope: serde_json::Value = serde_json::from_str(&entry.envelope()).expect("an envelope is JSON");
    assert_eq!(envelope["error"], entry.code);
}
