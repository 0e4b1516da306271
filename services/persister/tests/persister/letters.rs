//! Dead letters that are not taken: their records are not done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_agentping_ports::NotedAccounts;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_kernel::Position;
use tidegate_ports::{Accounts, Append, DeadLetter, DeadLetters, LogError, ReadLag};

use crate::rig::{GROUP, Ports, Rig, eventually, key, records_of};

/// Takes letters and does not say so, for as long as it is down.
struct Unacknowledged {
    letters: MemoryDeadLetters,
    is_down: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl DeadLetters for Unacknowledged {
    async fn bury(&self, letter: DeadLetter) -> Result<(), LogError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(LogError::Unavailable("as the test wants".into())),
            false => self.letters.bury(letter).await,
        }
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.letters.list(after, limit).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        self.letters.find(position).await
    }
}

/// While its letter is not acknowledged a record is neither counted nor committed, nor is anything after it.
#[tokio::test]
async fn an_offset_is_done_only_with_its_letter() {
    let rig = Rig::new();
    let letters = Arc::new(Unacknowledged {
        letters: rig.dead_letters.clone(),
        is_down: AtomicBool::new(true),
        asked: AtomicUsize::new(0),
    });
    let records = records_of(1, 2);
    rig.append(&records[0]).await;
    let poison = rig.log.append(key(1).log_key(), Bytes::from_static(b"no record")).await.expect("appended");
    for record in &records[1..] {
        rig.append(record).await;
    }
    let running = rig.start_with(Ports { dead_letters: letters.clone(), ..rig.ports() });
    // Tried again: whatever it does beside trying, it has had the time for it.
    eventually("the letter is tried again", async || letters.asked.load(Ordering::SeqCst) >= 4).await;
    let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
    let behind = lags.iter().find(|lag| lag.partition == poison.partition).expect("there");
    assert!(behind.committed <= poison.offset, "{behind:?}");
    let account = rig.accounts.account(1, poison.partition).await.expect("read");
    assert!(account.is_none_or(|account| account.next_offset <= poison.offset), "{account:?}");
    assert_eq!(rig.accounts.notes(&[poison]).await, Ok(vec![None]), "no note says that it is buried");
    letters.is_down.store(false, Ordering::SeqCst);
    rig.caught_up().await;
    assert_eq!(rig.dead_letters.list(None, 10).await.expect("letters").len(), 1);
    rig.assert_store_is_the_fold([key(1)]).await;
    running.stop().await;
}
