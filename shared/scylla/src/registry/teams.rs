//! Teams and their rates.

use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_domain::rates::RateRow;
use tidegate_domain::{Plan, TeamId, Timestamp};
use tidegate_ports::{RegistryError, StoreError, Team};

use super::ScyllaRegistry;
use super::credential_row::{cql_instant, was_applied};
use crate::failure::unreadable;

impl ScyllaRegistry {
    pub(super) async fn insert_team(&self, team: &Team) -> Result<(), RegistryError> {
        let values = (team.id.to_string(), team.name.as_str(), json(&team.plan)?, cql_instant(team.created_at));
        let answer = self.cql.conditional(&self.cql.statements().create_team, &values).await?;
        let exists = || RegistryError::Exists { what: "team", id: team.id.to_string() };
        if was_applied(&answer)? { Ok(()) } else { Err(exists()) }
    }

    /// By creation, then id. A read of the whole table, which is small.
    pub(super) async fn all_teams(&self) -> Result<Vec<Team>, StoreError> {
        let mut teams = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().teams, (), None, state).await?;
            let rows = page.rows.rows::<(&str, &str, &str, CqlTimestamp)>();
            for row in rows.map_err(|error| unreadable("teams", error))? {
                let (id, name, plan, created_at) = row.map_err(|error| unreadable("teams", error))?;
                let id = id.parse().map_err(|error| unreadable("teams", error))?;
                let plan = serde_json::from_str(plan).map_err(|error| unreadable("teams", error))?;
                let created_at = Timestamp::from_millis(created_at.0);
                teams.push(Team { id, name: name.to_owned(), plan, created_at });
            }
            from = page.next;
        }
        teams.sort_by_key(|team| (team.created_at, team.id));
        Ok(teams)
    }

    pub(super) async fn update_plan(&self, team: TeamId, plan: Plan) -> Result<(), RegistryError> {
        let values = (json(&plan)?, team.to_string());
        let answer = self.cql.conditional(&self.cql.statements().set_plan, &values).await?;
        if was_applied(&answer)? { Ok(()) } else { Err(no_team(team)) }
    }

    /// `None`: there is no such team.
    pub(super) async fn plan_of(&self, team: TeamId) -> Result<Option<Plan>, StoreError> {
        let found = self.cql.run(&self.cql.statements().team, &(team.to_string(),)).await?;
        let row = found.rows.maybe_first_row::<(&str, &str, CqlTimestamp)>();
        let Some((_, plan, _)) = row.map_err(|error| unreadable("teams", error))? else {
            return Ok(None);
        };
        serde_json::from_str(plan).map(Some).map_err(|error| unreadable("teams", error))
    }

    /// The team's plan, or the refusal for a team that is not there.
    pub(super) async fn existing_team(&self, team: TeamId) -> Result<Plan, RegistryError> {
        self.plan_of(team).await?.ok_or_else(|| no_team(team))
    }

    pub(super) async fn save_rate(&self, team: TeamId, row: &RateRow) -> Result<(), StoreError> {
        let values = (team.to_string(), row.provider.as_str(), row.model.as_str(), json(&row.rate)?);
        self.cql.write(&self.cql.statements().set_rate, &values).await
    }

    /// A team's own rows, by provider and model.
    pub(super) async fn rates_of(&self, team: TeamId) -> Result<Vec<RateRow>, StoreError> {
        let values = (team.to_string(),);
        let mut rates = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().rates, &values, None, state).await?;
            for row in page.rows.rows::<(String, String, &str)>().map_err(|error| unreadable("rates", error))? {
                let (provider, model, rate) = row.map_err(|error| unreadable("rates", error))?;
                let rate = serde_json::from_str(rate).map_err(|error| unreadable("rates", error))?;
                rates.push(RateRow { provider, model, rate });
            }
            from = page.next;
        }
        Ok(rates)
    }
}

fn no_team(team: TeamId) -> RegistryError {
    RegistryError::NotFound { what: "team", id: team.to_string() }
}

/// Plans and rates are plain numbers and words: they always serialize.
fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unreadable("what is to be saved", error))
}
