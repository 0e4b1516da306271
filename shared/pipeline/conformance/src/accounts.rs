//! What every keeper of accounts does.

use std::sync::Arc;

use tidegate_agentping::{RunId, RunKey, TeamId};
use tidegate_kernel::{Position, Region, Timestamp};
use tidegate_ports::{Account, Accounts, Clock, Fate, Halt, Ids, Note, RandomIds, SystemClock};

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
pub async fn suite(accounts: &dyn Accounts) {
    notes_come_back_in_the_order_asked(accounts).await;
    an_account_never_goes_back(accounts).await;
    of_several_halts_the_furthest_is_kept(accounts).await;
}

async fn notes_come_back_in_the_order_asked(accounts: &dyn Accounts) {
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
    let long_ago = SystemClock.now().plus_millis(-tidegate_ports::accounts::NOTES_KEPT_MS);
    assert_eq!(accounts.forget_notes(long_ago, 100).await, Ok(0));
    assert_eq!(accounts.notes(&asked[..1]).await, Ok(vec![Some(kept[3])]));
}

async fn an_account_never_goes_back(accounts: &dyn Accounts) {
    assert_eq!(accounts.account(GENERATION, 0).await, Ok(None));
    let mut first = Account::opened(GENERATION, 0, 7);
    first.count(7, Fate::Stored);
    let mut further = first;
    [Fate::Duplicate, Fate::Conflict, Fate::Dead, Fate::Stored].into_iter().zip(8..).for_each(|(fate, offset)| {
        further.count(offset, fate);
    });
    let mut other = Account::opened(GENERATION, 11, 0);
    other.count(0, Fate::Dead);
    let newer = Account { generation: GENERATION + 1, ..first };
    for account in [first, further, first, further, other, newer] {
        accounts.settle(account).await.expect("settled");
    }
    assert_eq!(accounts.account(GENERATION, 0).await, Ok(Some(further)));
    assert_eq!(accounts.account(GENERATION, 11).await, Ok(Some(other)));
    assert_eq!(accounts.account(GENERATION + 1, 0).await, Ok(Some(newer)));
    assert_eq!(accounts.account(GENERATION, 1).await, Ok(None));
    assert_eq!(accounts.accounts().await, Ok(vec![further, other, newer]));
}

async fn of_several_halts_the_furthest_is_kept(accounts: &dyn Accounts) {
    assert_eq!(accounts.halts().await, Ok(vec![]));
    let first = Halt { generation: GENERATION, partition: 11, offset: 7 };
    let further = Halt { offset: 900, ..first };
    // One of a partition that nothing was ever settled of, too.
    let other = Halt { generation: GENERATION, partition: 40, offset: 0 };
    let newer = Halt { generation: GENERATION + 1, ..first };
    let settled = accounts.accounts().await;
    for halt in [first, further, first, further, other, newer] {
        accounts.halt(halt).await.expect("stated");
    }
    assert_eq!(accounts.halts().await, Ok(vec![further, other, newer]));
    assert_eq!(accounts.accounts().await, settled, "accounts are as they were");
}
