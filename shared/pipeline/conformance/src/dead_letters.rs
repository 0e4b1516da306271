//! The suite of the dead letter port.

use bytes::Bytes;
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{DeadLetter, DeadLetters, Origin, Provenance};

fn letter(offset: i64, reason: &str) -> DeadLetter {
    DeadLetter {
        position: Position { generation: 3, partition: 1, offset },
        appended_at: Timestamp::from_millis(1_000 + offset),
        dead_lettered_at: Timestamp::from_millis(2_000 + offset),
        reason: reason.to_owned(),
        payload: Bytes::from(vec![0, 255, b'{', offset as u8]),
        provenance: Provenance {
            key: Bytes::from_static(b"owner_x/thing_\xff"),
            headers: vec![
                ("twice".to_owned(), Bytes::from_static(b"\x00one")),
                ("twice".to_owned(), Bytes::from_static(b"")),
            ],
            origin: (offset == 6)
                .then_some(Origin { position: Position { generation: 2, partition: 0, offset: 44 }, attempt: 3 }),
        },
    }
}

/// Runs every case on empty storage.
pub async fn suite(letters: &dyn DeadLetters) {
    assert_eq!(letters.list(None, 10).await, Ok(vec![]));
    for offset in [7, 5, 6] {
        letters.append(letter(offset, "it does not decode")).await.expect("appended");
    }
    // Provenance and payload are returned unchanged, lowest position first.
    let expected: Vec<DeadLetter> = [5, 6, 7].map(|offset| letter(offset, "it does not decode")).into();
    assert_eq!(letters.list(None, 10).await, Ok(expected.clone()));
    assert_eq!(letters.list(None, 2).await, Ok(expected[..2].to_vec()));
    // A redelivery appends the same position again: the first dead letter stays.
    letters.append(letter(6, "another reason")).await.expect("appended again");
    assert_eq!(letters.list(None, 10).await, Ok(expected.clone()));
    // Page by page, and one by one.
    assert_eq!(letters.list(Some(expected[0].position), 1).await, Ok(expected[1..2].to_vec()));
    assert_eq!(letters.list(Some(expected[2].position), 1).await, Ok(vec![]));
    assert_eq!(letters.find(expected[1].position).await, Ok(Some(expected[1].clone())));
    assert_eq!(letters.find(Position { generation: 2, ..expected[1].position }).await, Ok(None));
    assert_eq!((expected[0].provenance.attempt(), expected[1].provenance.attempt()), (1, 3));
}
