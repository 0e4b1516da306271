//! What every keeper of notes does.

use std::sync::Arc;

use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_agentping_ports::notes::NOTES_KEPT_MS;
use tidegate_agentping_ports::{Note, NotedAccounts};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Clock, Fate, Ids, RandomIds, SystemClock};

const GENERATION: u16 = 3;

fn note(partition: u32, offset: i64, fate: Fate) -> Note {
    let position = Position { generation: GENERATION, partition, offset };
    let now = SystemClock.now();
    let key = RunKey {
        team: TeamId::mint(Region::Eu, now, &RandomIds.random()),
        run: RunId::mint(Region::Eu, now, &RandomIds.random()),
    };
    // To the millisecond, as a log stamps it, and young enough to be kept.
    let appended_at = Timestamp::from_millis(now.as_millis() - 1_000 + offset);
    Note { position, appended_at, key: (fate != Fate::Dead).then_some(key), fate }
}

/// Runs every case on an empty keeper.
pub async fn suite(accounts: &dyn NotedAccounts) {
    notes_come_back_in_the_order_asked(accounts).await;
}

async fn notes_come_back_in_the_order_asked(accounts: &dyn NotedAccounts) {
    let kept = [
        note(0, 5, Fate::Duplicate),
        note(0, 6, Fate::Conflict),
        note(0, 1_000_000, Fate::Dead),
        note(1, 5, Fate::Dead),
    ];
    accounts.note(Arc::new(kept.to_vec())).await.expect("noted");
    accounts.note(Arc::new(Vec::new())).await.expect("nothing to note");
    accounts.note(Arc::new(kept[1..3].to_vec())).await.expect("noted again");
    let elsewhere = Position { generation: GENERATION, partition: 1, offset: 6 };
    let older = Position { generation: GENERATION - 1, ..kept[0].position };
    let asked = [kept[3].position, elsewhere, kept[0].position, older, kept[2].position, kept[1].position];
    let expected = vec![Some(kept[3]), None, Some(kept[0]), None, Some(kept[2]), Some(kept[1])];
    assert_eq!(accounts.notes(&asked).await, Ok(expected));
    assert_eq!(accounts.notes(&[]).await, Ok(vec![]));
    // All of them are young.
    let long_ago = SystemClock.now().plus_millis(-NOTES_KEPT_MS);
    assert_eq!(accounts.forget_notes(long_ago, 100).await, Ok(0));
    assert_eq!(accounts.notes(&asked[..1]).await, Ok(vec![Some(kept[3])]));
}
