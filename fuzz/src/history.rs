//! Records of one run out of a fuzzer's bytes: openings, events in any batching, closings; some delivered twice.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use tidegate_agentping::{
    Body, Event, EventId, Finish, FinishStatus, Heartbeat, HeartbeatStatus, Idle, ModelCall, Record, Slug, Start,
};
use tidegate_kernel::{FreeJson, Region, Timestamp, Usd};

use crate::{RECEIVED_AT, key};

/// More says nothing new, and takes time.
const MOST_RECORDS: usize = 24;
const MOST_EVENTS: u8 = 12;

/// How much records may differ that fill the same register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// One opening, one closing, one content for each event: any order must end in one run.
    Whole,
    /// Anything: the first in log order wins.
    None,
}

const STATUSES: [FinishStatus; 4] =
    [FinishStatus::Success, FinishStatus::Failed, FinishStatus::Timeout, FinishStatus::Cancelled];

fn at(millis: u16) -> Timestamp {
    RECEIVED_AT.plus_millis(i64::from(millis))
}

fn json(bytes: &mut Unstructured<'_>) -> Result<Option<FreeJson>> {
    let texts = [None, Some("{}"), Some(r#"{"a":1}"#), Some(r#"{"a":"b","c":null}"#), Some("[]"), Some("7")];
    Ok(bytes.choose(&texts)?.and_then(|text| FreeJson::parse(text).ok()))
}

fn slug(bytes: &mut Unstructured<'_>) -> Result<Slug> {
    Ok(Slug::parse(bytes.choose(&["a", "b", "é"])?).expect("plain names"))
}

fn start(bytes: &mut Unstructured<'_>) -> Result<Start> {
    Ok(Start {
        agent: slug(bytes)?,
        started_at: at(bytes.int_in_range(0..=3)?),
        customer_id: bytes.arbitrary::<bool>()?.then(|| "c".into()),
        feature: None,
        metadata: json(bytes)?,
        parent_run_id: None,
        goal: None,
        idle: if bytes.arbitrary()? {
            Some(Idle { timeout_s: bytes.int_in_range(60..=86_400)?, status: *bytes.choose(&STATUSES)? })
        } else {
            None
        },
    })
}

fn heartbeat(bytes: &mut Unstructured<'_>, status: HeartbeatStatus) -> Result<Heartbeat> {
    Ok(Heartbeat {
        agent: slug(bytes)?,
        status,
        started_at: if bytes.arbitrary()? { Some(at(bytes.int_in_range(0..=3)?)) } else { None },
        finished_at: if bytes.arbitrary()? { Some(at(bytes.int_in_range(0..=900)?)) } else { None },
        cost: bytes.arbitrary::<Option<u32>>()?.map(|nanos| Usd::from_nanos(u64::from(nanos))),
        duration_ms: bytes.arbitrary::<Option<u32>>()?.map(u64::from),
        metadata: json(bytes)?,
        output: json(bytes)?,
        customer_id: None,
        feature: bytes.arbitrary::<bool>()?.then(|| "f".into()),
        input_tokens: bytes.arbitrary::<Option<u16>>()?.map(u64::from),
        output_tokens: None,
    })
}

fn finish(bytes: &mut Unstructured<'_>) -> Result<Finish> {
    Ok(Finish {
        status: *bytes.choose(&STATUSES)?,
        finished_at: at(bytes.int_in_range(0..=900)?),
        output: json(bytes)?,
        scores: json(bytes)?,
        metadata: json(bytes)?,
    })
}

/// An event; with one content for each id where they agree.
fn event(bytes: &mut Unstructured<'_>, id: u8, agreement: Agreement) -> Result<Event> {
    let variant = if agreement == Agreement::None { bytes.int_in_range(0..=2)? } else { 0 };
    let content = u64::from(id) * 3 + variant;
    Ok(Event {
        id: EventId::from_bits(Region::Eu, u128::from(id)),
        kind: "llm_call".into(),
        ts: at(u16::from(id)),
        turn: None,
        data: FreeJson::empty_object(),
        content_hash: content,
        earlier_hash: None,
        errored: content.is_multiple_of(5),
        call: (!content.is_multiple_of(4)).then(|| ModelCall {
            provider: "p".into(),
            model: "m".into(),
            cost: Usd::from_nanos(content * 1_000),
            priced: true,
        }),
    })
}

fn events(bytes: &mut Unstructured<'_>, agreement: Agreement) -> Result<Body> {
    let count = bytes.int_in_range(1..=4)?;
    let one = |bytes: &mut Unstructured<'_>| {
        let id = bytes.int_in_range(0..=MOST_EVENTS)?;
        event(bytes, id, agreement)
    };
    let mut batch: Vec<Event> = (0..count).map(|_| one(bytes)).collect::<Result<_>>()?;
    // As parsing leaves it: twins of one batch collapse.
    batch.sort_by_key(|event| event.id);
    batch.dedup_by_key(|event| event.id);
    Ok(Body::Events(batch))
}

fn record(received: u16, body: Body) -> Record {
    Record::new(key(42), at(received), body)
}

/// Any records at all.
pub fn anything(bytes: &mut Unstructured<'_>) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    while !bytes.is_empty() && records.len() < MOST_RECORDS {
        let body = match bytes.int_in_range(0..=4)? {
            0 => Body::Start(start(bytes)?),
            1 => Body::Heartbeat(heartbeat(bytes, HeartbeatStatus::Start)?),
            2 => {
                let status = *bytes.choose(&[HeartbeatStatus::Ok, HeartbeatStatus::Fail])?;
                Body::Heartbeat(heartbeat(bytes, status)?)
            }
            3 => Body::Finish(finish(bytes)?),
            _ => events(bytes, Agreement::None)?,
        };
        let received = bytes.int_in_range(0..=2_000)?;
        records.push(record(received, body));
    }
    Ok(records)
}

/// Records that contradict each other nowhere: one opening and one closing, each delivered any number of times.
pub fn agreeing(bytes: &mut Unstructured<'_>) -> Result<Vec<Record>> {
    let opening = match bytes.int_in_range(0..=3)? {
        0 => Some(Body::Start(start(bytes)?)),
        1 => Some(Body::Heartbeat(heartbeat(bytes, HeartbeatStatus::Start)?)),
        // A run may have no opening, or only the one that its closing implies.
        _ => None,
    };
    let closing = match (bytes.int_in_range(0..=2)?, &opening) {
        (0, _) => Some(Body::Finish(finish(bytes)?)),
        (1, opening) => Some(Body::Heartbeat(closing_for(bytes, opening.as_ref())?)),
        _ => None,
    };
    let ends: Vec<Record> =
        opening.map(|body| record(5, body)).into_iter().chain(closing.map(|body| record(800, body))).collect();
    let mut records = Vec::new();
    while !bytes.is_empty() && records.len() < MOST_RECORDS {
        // Events are received in one moment: which of two equal events came first is no part of a run.
        let next = match (bytes.int_in_range(0..=2)?, ends.is_empty()) {
            (0, false) => ends[bytes.choose_index(ends.len())?].clone(),
            _ => record(100, events(bytes, Agreement::Whole)?),
        };
        records.push(next);
    }
    Ok(records)
}

/// A closing heartbeat of the same agent that starts where the opening did.
fn closing_for(bytes: &mut Unstructured<'_>, opening: Option<&Body>) -> Result<Heartbeat> {
    let closing = heartbeat(bytes, HeartbeatStatus::Ok)?;
    Ok(match opening {
        Some(Body::Start(start)) => {
            let started_at = closing.started_at.map(|_| start.started_at);
            Heartbeat { agent: start.agent.clone(), started_at, ..closing }
        }
        Some(Body::Heartbeat(start)) => {
            Heartbeat { agent: start.agent.clone(), started_at: closing.started_at.and(start.started_at), ..closing }
        }
        _ => closing,
    })
}
