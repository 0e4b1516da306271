//! `settled=true`: reading what was just written.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentping::RunKey;
use tidegate_kernel::{Partition, Timestamp};
use tidegate_ports::{Account, Accounts, Consumed, LogError, LogSpan, ReadLog};
use tokio::sync::Notify;

use crate::house::*;

/// A log of four partitions with so many records each; it says when it was asked.
struct Ends {
    end: i64,
    asked: Arc<Notify>,
}

#[async_trait]
impl ReadLog for Ends {
    async fn spans(&self) -> Result<Vec<LogSpan>, LogError> {
        self.asked.notify_one();
        Ok((0..4).map(|partition| LogSpan { generation: 1, partition, first: 0, end: self.end }).collect())
    }

    async fn offset_at(&self, _: Partition, _: Timestamp) -> Result<i64, LogError> {
        unreachable!("no lookup by time")
    }

    async fn read_range(&self, _: Partition, _: i64, _: i64, _: usize) -> Result<Vec<Consumed>, LogError> {
        unreachable!("no record is read")
    }
}

async fn house(end: i64, wait: Duration) -> (House, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let log: Arc<dyn ReadLog> = Arc::new(Ends { end, asked: asked.clone() });
    let house = House::opened_with(|control| control.with_log(Some(log)).with_settle_wait(wait)).await;
    house.tell(team(1), run_id(1), start("finder", NOON)).await;
    (house, asked)
}

fn path(query: &str) -> String {
    format!("/v1/runs/{}{query}", run_id(1))
}

/// The run's own partition is done with up to here; the others have no account.
async fn settle(house: &House, next_offset: i64) {
    let partition = RunKey { team: team(1), run: run_id(1) }.log_key().partition(4);
    let account = Account { next_offset, ..Account::opened(1, partition, 0) };
    house.accounts.settle(account).await.unwrap();
}

#[tokio::test]
async fn a_read_waits_for_its_own_partition() {
    let (house, asked) = house(7, Duration::from_secs(60)).await;
    settle(&house, 6).await;
    let house = Arc::new(house);
    let reading = {
        let house = house.clone();
        tokio::spawn(async move { house.get(&path("?settled=true")).await })
    };
    asked.notified().await;
    assert!(!reading.is_finished(), "a record is to come");
    settle(&house, 7).await;
    let answer = reading.await.unwrap();
    answer.ok();
    assert_eq!(answer.header("x-tidegate-settled"), Some("true"));
}

#[tokio::test]
async fn a_read_that_waited_in_vain_says_so() {
    let (house, _) = house(7, Duration::ZERO).await;
    settle(&house, 6).await;
    let answer = house.get(&path("?settled=true")).await;
    answer.ok();
    assert_eq!(answer.header("x-tidegate-settled"), Some("false"));
}

#[tokio::test]
async fn an_empty_log_is_settled_and_an_unknown_one_is_not() {
    let (empty, _) = house(0, Duration::ZERO).await;
    assert_eq!(empty.get(&path("?settled=true")).await.header("x-tidegate-settled"), Some("true"));
    let unknown = House::open().await;
    unknown.tell(team(1), run_id(1), start("finder", NOON)).await;
    assert_eq!(unknown.get(&path("?settled=true")).await.header("x-tidegate-settled"), Some("false"));
    for query in ["", "?settled=false"] {
        assert_eq!(unknown.get(&path(query)).await.header("x-tidegate-settled"), None, "it was not asked for");
    }
    assert_refusal(&unknown.get(&path("?settled=yes")).await, 400, "invalid_field", Some("settled"));
}
