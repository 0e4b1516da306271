//! A store that is down is said on a page.

use async_trait::async_trait;
use reqwest::StatusCode;
use tidegate_agentping::{Run, RunKey, TeamId};
use tidegate_agentping_ports::{
    AgentRepeats, AgentRow, EventPage, EventsPage, RunFilter, RunPage, RunQueries, RunsPage, Spend,
};
use tidegate_kernel::{Month, Timestamp};
use tidegate_ports::StoreError;

use crate::house::*;

struct Down;

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("it is away".into()))
}

#[async_trait]
impl RunQueries for Down {
    async fn run(&self, _: RunKey) -> Result<Option<Run>, StoreError> {
        down()
    }
    async fn events(&self, _: RunKey, _: &EventPage) -> Result<EventsPage, StoreError> {
        down()
    }
    async fn list(&self, _: TeamId, _: &RunFilter, _: &RunPage, _: Timestamp) -> Result<RunsPage, StoreError> {
        down()
    }
    async fn agents(&self, _: TeamId) -> Result<Vec<AgentRow>, StoreError> {
        down()
    }
    async fn usage(&self, _: TeamId, _: Month) -> Result<u64, StoreError> {
        down()
    }
    async fn repeats(&self, _: TeamId, _: Month) -> Result<Vec<AgentRepeats>, StoreError> {
        down()
    }
    async fn spend(&self, _: TeamId, _: Month, _: Timestamp) -> Result<Spend, StoreError> {
        down()
    }
}

#[tokio::test]
async fn a_page_says_that_the_store_is_down() {
    let house = House::on(Down).await;
    let cookie = house.sign_in(KEY_A).await;
    for path in ["", "/agents", "/runs", "/spend", "/quotas", "/start"] {
        let answer = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.header("retry-after").is_some());
        assert!(
            answer.text.contains("cannot be read right now") && !answer.text.contains("it is away"),
            "{}",
            answer.text
        );
    }
}
