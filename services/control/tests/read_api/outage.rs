//! A store that is down, hangs, or is broken.

use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentping::{Run, RunKey, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunsPage, Spend,
};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use crate::house::*;

/// Every question ends alike.
pub enum Ailing {
    Answers(StoreError),
    Hangs,
    Panics,
}

impl Ailing {
    async fn end<T>(&self) -> Result<T, StoreError> {
        match self {
            Ailing::Answers(error) => Err(error.clone()),
            Ailing::Hangs => std::future::pending().await,
            Ailing::Panics => panic!("a defect"),
        }
    }
}

#[async_trait]
impl RunQueries for Ailing {
    async fn run(&self, _: RunKey) -> Result<Option<Run>, StoreError> {
        self.end().await
    }

    async fn events(&self, _: RunKey, _: &EventPage) -> Result<EventsPage, StoreError> {
        self.end().await
    }

    async fn list(&self, _: TeamId, _: &RunFilter, _: &RunPage, _: Timestamp) -> Result<RunsPage, StoreError> {
        self.end().await
    }

    async fn agents(&self, _: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        self.end().await
    }

    async fn usage(&self, _: TeamId, _: Month) -> Result<u64, StoreError> {
        self.end().await
    }

    async fn repeats(&self, _: TeamId, _: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        self.end().await
    }

    async fn spend(&self, _: TeamId, _: Month, _: Timestamp) -> Result<Spend, StoreError> {
        self.end().await
    }
}

async fn every_read_is_refused(store: Ailing, status: u16, code: &str) {
    let house = House::on(store, |control| control.with_store_deadline(Duration::from_millis(20))).await;
    let run = format!("/v1/runs/{}", run_id(1));
    for path in ["/v1/runs", &run, "/v1/agents", "/v1/usage", "/v1/spend"] {
        let answer = house.get(path).await;
        assert_refusal(&answer, status, code, None);
        assert!(!answer.text.contains("disk"), "the cause is ours to read: {}", answer.text);
        let soon = matches!(answer.header("retry-after"), Some("1" | "2"));
        assert_eq!(soon, status == 503, "{path}: {:?}", answer.header("retry-after"));
    }
    house.get_as(None, "/openapi.json").await.ok();
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable() {
    every_read_is_refused(Ailing::Answers(StoreError::Unavailable("disk 3".into())), 503, "unavailable").await;
}

#[tokio::test]
async fn a_store_that_hangs_is_down() {
    every_read_is_refused(Ailing::Hangs, 503, "unavailable").await;
}

#[tokio::test]
async fn the_longer_a_store_is_down_the_later_its_readers_come_back() {
    let down = Ailing::Answers(StoreError::Unavailable("disk 3".into()));
    let house = House::on(down, |control| control).await;
    house.get("/v1/usage").await;
    house.clock.advance_ms(40_000);
    let waits: u64 = house.get("/v1/usage").await.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap();
    assert!((10..=15).contains(&waits), "{waits}");
}

#[tokio::test]
async fn a_store_that_is_broken_is_our_failure() {
    every_read_is_refused(Ailing::Answers(StoreError::Broken("disk 3".into())), 500, "internal").await;
}
