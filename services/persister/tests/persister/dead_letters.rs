//! Dead letters that are not acknowledged: their records are not done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tidegate_agentping_ports::NotedAccounts;
use tidegate_inproc::dead_letters::MemoryDeadLetters;
use tidegate_kernel::Position;
use tidegate_ports::{Accounts, Append, DeadLetter, DeadLetters, LogError, ReadLag};

use crate::rig::{GROUP, Ports, Rig, eventually, key, records_of};

/// Takes dead letters and acknowledges none, for as long as it is down.
struct Unacknowledged {
    dead_letters: MemoryDeadLetters,
    is_down: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl DeadLetters for Unacknowledged {
    async fn append(&self, letter: DeadLetter) -> Result<(), LogError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(LogError::Unavailable("as the test wants".into())),
            false => self.dead_letters.append(letter).await,
        }
    }

    async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<DeadLetter>, LogError> {
        self.dead_letters.list(after, limit).await
    }

    async fn find(&self, position: Position) -> Result<Option<DeadLetter>, LogError> {
        self.dead_letters.find(position).await
    }
}

/// While its dead letter is not acknowledged a record is neither counted nor committed, nor is anything after it.
#[tokio::test]
async fn an_offset_is_done_only_with_its_dead_letter() {
    let rig = Rig::new();
    let letters = Arc::new(Unacknowledged {
        dead_letters: rig.dead_letters.clone(),
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
    // After a second try it has had the time for whatever else it does.
    eventually("the dead letter is tried again", async || letters.asked.load(Ordering::SeqCst) >= 4).await;
    let lags = rig.log.lag(GROUP).partitions(&[]).await.expect("a reading");
    let behind = lags.iter().find(|lag| lag.partition == poison.partition).expect("there");
    assert!(behind.committed <= poison.offset, "{behind:?}");
    let account = rig.accounts.account(1, poison.partition).await.expect("read");
    assert!(account.is_none_or(|account| account.next_offset <= poison.offset), "{account:?}");
    assert_eq!(rig.accounts.notes(&[poison]).await, Ok(vec![None]), "no note says that it is dead");
    letters.is_down.store(false, Ordering::SeqCst);
    rig.caught_up().await;
    assert_eq!(rig.dead_letters.list(None, 10).await.expect("dead letters").len(), 1);
    rig.assert_store_is_the_fold([key(1)]).await;
    running.stop().await;
}
