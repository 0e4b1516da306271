//! What every place for dead letters does.

use bytes::Bytes;
use tidegate_domain::{Position, Timestamp};

use crate::{DeadLetter, DeadLetters};

fn letter(offset: i64, reason: &str) -> DeadLetter {
    DeadLetter {
        position: Position { generation: 3, partition: 1, offset },
        appended_at: Timestamp::from_millis(1_000 + offset),
        buried_at: Timestamp::from_millis(2_000 + offset),
        reason: reason.to_owned(),
        payload: Bytes::from(vec![0, 255, b'{', offset as u8]),
    }
}

/// Runs every case on an empty place.
pub async fn suite(letters: &dyn DeadLetters) {
    assert_eq!(letters.list(10).await, Ok(vec![]));
    for offset in [7, 5, 6] {
        letters.bury(letter(offset, "it does not decode")).await.expect("buried");
    }
    // Provenance and bytes come back whole, oldest position first.
    let expected: Vec<DeadLetter> = [5, 6, 7].map(|offset| letter(offset, "it does not decode")).into();
    assert_eq!(letters.list(10).await, Ok(expected.clone()));
    assert_eq!(letters.list(2).await, Ok(expected[..2].to_vec()));
    // A redelivery buries the same position again: the first letter stays.
    letters.bury(letter(6, "another reason")).await.expect("buried again");
    assert_eq!(letters.list(10).await, Ok(expected));
}
