//! Records at the ends of every range, written straight to the topic: what can never have been taken in is dead, with
//! the reason, what could have been is stored, and the partition continues.

use std::time::Duration;

use serde_json::{Value, json};

use super::catalogue::Given;
use super::poison;
use super::trial::{Pace, Trial};
use crate::ids;
use crate::stack::Addresses;
use crate::wait::eventually;

const SOME: std::ops::Range<u64> = 20..60;
const BURIES: Duration = Duration::from_secs(120);
/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const YEARS: [i64; 2] = [-62_167_219_200_000, 253_402_300_799_999];
const NOON: i64 = 1_778_846_400_000;

/// Writes them all to every partition.
pub async fn records(given: Given) {
    let scene = given.scene();
    let settings = scene.target.servers().settings().clone();
    let mut trial = Trial::begin(scene.deployment(), Pace::STEADY, given.random, given.sheet).await;
    trial.acknowledge_some(SOME).await;
    let before = poison::buried(&scene).await.len();
    let (outside, within) = (bodies(true), bodies(false));
    let expected = before + outside.len() * settings.partitions as usize;
    let (mut payloads, mut places) = (Vec::new(), Vec::new());
    for partition in 0..settings.partitions {
        for (received_at, body) in outside.iter().chain(&within) {
            payloads.push(record(*received_at, body));
            places.push(i32::try_from(partition).expect("few partitions"));
        }
    }
    let topic = settings.records_topic();
    let written = move || poison::write(&Addresses::found().kafka, &topic, &payloads, &places);
    tokio::task::spawn_blocking(written).await.expect("every record is taken");
    trial.recovers().await;
    let letters =
        eventually(BURIES, "each that is outside has a dead letter", async || match poison::buried(&scene).await {
            letters if letters.len() >= expected => Ok(letters.len()),
            letters => Err(format!("{} of {expected}", letters.len())),
        })
        .await;
    assert_eq!(letters, expected, "those within are stored");
    trial.ends().await;
}

/// A record of an unknown team.
fn record(received_at: i64, body: &Value) -> Vec<u8> {
    let (team, run) = (ids::fresh("team", "eu"), ids::fresh("run", "eu"));
    let record = json!({"v": 1, "team": team, "region": "eu", "run": run, "received_at_ms": received_at, "body": body});
    record.to_string().into_bytes()
}

/// Instants of receipt and bodies, with one number each at the end of what it can be, or beyond.
fn bodies(outside: bool) -> Vec<(i64, Value)> {
    let start = json!({"agent": "a", "started_at_ms": NOON});
    let heartbeat = json!({"agent": "a", "status": "ok"});
    let call = |cost: u64| json!(["p", "m", cost, true]);
    let event = |ts: i64, turn: u64, hash: u64, call: Value| json!({"events": [[ids::fresh("evt", "eu"), "log", ts, turn, {}, hash, false, call]]});
    let with = |body: &Value, kind: &str, member: &str, value: Value| {
        let mut body = body.clone();
        body[member] = value;
        json!({ kind: body })
    };
    let instants: Vec<i64> =
        if outside { vec![i64::MIN, YEARS[0] - 1, YEARS[1] + 1, i64::MAX] } else { YEARS.to_vec() };
    let mut all = Vec::new();
    for at in instants {
        all.push((at, json!({"start": start})));
        all.push((NOON, with(&start, "start", "started_at_ms", json!(at))));
        all.push((NOON, json!({"finish": {"status": "success", "finished_at_ms": at}})));
        all.push((NOON, with(&heartbeat, "heartbeat", "started_at_ms", json!(at))));
        all.push((NOON, with(&heartbeat, "heartbeat", "finished_at_ms", json!(at))));
        all.push((NOON, event(at, 0, 0, Value::Null)));
    }
    let idle = |seconds: u64| json!({"timeout_s": seconds, "status": "timeout"});
    let (seconds, given, sums): (Vec<u64>, Vec<u64>, Vec<u64>) = if outside {
        (vec![0, 59, 86_401, u64::from(u32::MAX)], vec![1_000_000_000_000_000_001, u64::MAX], vec![u64::MAX])
    } else {
        (vec![60, 86_400], vec![0, 1_000_000_000_000_000_000], vec![0, i64::MAX.unsigned_abs()])
    };
    all.extend(seconds.into_iter().map(|one| (NOON, with(&start, "start", "idle", idle(one)))));
    all.extend(given.into_iter().map(|one| (NOON, with(&heartbeat, "heartbeat", "cost_nanos_usd", json!(one)))));
    all.extend(sums.into_iter().map(|one| (NOON, event(NOON, 0, 0, call(one)))));
    if !outside {
        all.push((NOON, event(NOON, u64::from(u32::MAX), u64::MAX, Value::Null)));
        for member in ["duration_ms", "input_tokens", "output_tokens"] {
            all.push((NOON, with(&heartbeat, "heartbeat", member, json!(u64::MAX))));
        }
    }
    all
}
