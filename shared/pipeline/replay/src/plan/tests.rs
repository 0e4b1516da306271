//! Plans, made from a log in memory with a test clock.

use std::sync::Arc;

use tidegate_inproc::clock::TestClock;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_inproc::log::{MemoryLog, MemoryLogOptions};
use tidegate_ports::{Append, DeadLetter, Provenance};

use super::*;
use crate::samples::{NOW, OfWord, key, payload, position};

fn at(second: i64) -> Timestamp {
    NOW.plus_millis(second * 1_000)
}

/// One partition with a record each second from 0 to 9.
async fn ten_seconds() -> MemoryLog {
    let clock = Arc::new(TestClock::at(NOW));
    let log = MemoryLog::new(MemoryLogOptions { partitions: 1, ..MemoryLogOptions::default() }, clock.clone());
    for second in 0..10 {
        clock.set(at(second));
        log.append(key("a"), payload("a start")).await.unwrap();
    }
    log
}

async fn plan(range: SelectionRange) -> Result<ReplayPlan, PlanError> {
    let selection = Selection { log: "a log".to_owned(), range, filters: OfWord::default() };
    ReplayPlan::make(&selection, &ten_seconds().await, &MemoryDeadLetters::default()).await
}

fn stretch(from: i64, until: i64) -> ReplayPlan {
    ReplayPlan::Stretches(vec![Stretch { partition: 0, from, until, next: from }])
}

#[tokio::test]
async fn times_become_offsets_within_what_is_there() {
    for (from, to, planned) in [
        (at(3), Some(at(7)), stretch(3, 7)),
        (at(3), None, stretch(3, 10)),
        (at(-100), Some(at(100)), stretch(0, 10)),
        (at(50), None, stretch(10, 10)),
        (at(-100), Some(at(-50)), stretch(0, 0)),
    ] {
        assert_eq!(plan(SelectionRange::Time { from, to }).await.unwrap(), planned, "{from} to {to:?}");
    }
}

#[tokio::test]
async fn offsets_end_with_the_log_and_others_are_refused() {
    let by = |text: &str| SelectionRange::Offsets(text.parse().unwrap());
    assert_eq!(plan(by("0:2-5")).await.unwrap(), stretch(2, 5));
    assert_eq!(plan(by("0:8-50")).await.unwrap(), stretch(8, 10));
    assert_eq!(plan(by("0:8-")).await.unwrap(), stretch(8, 10));
    let beyond = plan(by("0:10-20")).await.unwrap_err().to_string();
    assert!(beyond.contains("--offsets 0:10-") && beyond.contains("ends at offset 10"), "{beyond}");
    let other = plan(by("0:1-2,7:1-2")).await.unwrap_err().to_string();
    assert!(other.contains("--offsets 7") && other.contains("partitions 0 to 0"), "{other}");
}

#[tokio::test]
async fn dead_letters_are_counted_up_to_where_the_log_ended() {
    let (log, dead_letters) = (ten_seconds().await, MemoryDeadLetters::default());
    let other_generation = Position { generation: 0, partition: 0, offset: 900 };
    for position in [position(3), position(9), position(10), other_generation] {
        let dead_letter = DeadLetter {
            position,
            appended_at: NOW,
            dead_lettered_at: NOW,
            reason: "for the test".to_owned(),
            payload: payload("a start"),
            provenance: Provenance::default(),
        };
        dead_letters.append(dead_letter).await.unwrap();
    }
    let selection =
        Selection { log: "a log".to_owned(), range: SelectionRange::DeadLetters, filters: OfWord::default() };
    let plan = ReplayPlan::make(&selection, &log, &dead_letters).await.unwrap();
    assert_eq!((plan.done(), plan.total()), (0, 3));
}

#[test]
fn how_far_it_is_and_whether_it_fits() {
    let part = |partition, from, until, next| Stretch { partition, from, until, next };
    let plan = ReplayPlan::Stretches(vec![part(0, 10, 30, 15), part(1, 5, 6, 6)]);
    assert_eq!((plan.done(), plan.total()), (6, 21));
    assert_eq!(plan.done_part(), ReplayPlan::Stretches(vec![part(0, 10, 15, 10), part(1, 5, 6, 5)]));
    let span = |partition, end| LogSpan { generation: 1, partition, first: 0, end };
    assert_eq!(plan.check(&[span(0, 30), span(1, 900)]), Ok(()));
    assert!(plan.check(&[span(0, 29), span(1, 900)]).unwrap_err().to_string().contains("ends at 29"));
    assert!(plan.check(&[span(0, 30)]).unwrap_err().to_string().contains("partition 1"));
}
