//! The suite of the accounts port.

use tidegate_ports::{Account, Accounts, Fate, Halt};

const GENERATION: u16 = 3;

/// Runs every case on empty storage.
pub async fn suite(accounts: &dyn Accounts) {
    an_account_never_goes_back(accounts).await;
    of_several_halts_the_furthest_is_kept(accounts).await;
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
    // Also for a partition without a settled account.
    let other = Halt { generation: GENERATION, partition: 40, offset: 0 };
    let newer = Halt { generation: GENERATION + 1, ..first };
    let settled = accounts.accounts().await;
    for halt in [first, further, first, further, other, newer] {
        accounts.halt(halt).await.expect("stated");
    }
    assert_eq!(accounts.halts().await, Ok(vec![further, other, newer]));
    assert_eq!(accounts.accounts().await, settled, "accounts are as they were");
}
