//! Teams and their rates.

use std::collections::HashMap;

use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{Plan, TeamId};
use tidegate_agentping_ports::{RegistryError, Team};
use tidegate_kernel::Timestamp;
use tidegate_ports::StoreError;

use super::ScyllaRegistry;
use super::credential_row::{cql_instant, was_applied};
use crate::failure::unreadable;

impl ScyllaRegistry {
    /// Inserts a team whose name is claimed already. If the call is interrupted before, the claim expires.
    pub(super) async fn insert_team(&self, team: &Team) -> Result<(), RegistryError> {
        let is_claimed = self.claim_name(&team.name, team.id).await?;
        let values = (team.id.to_string(), team.name.as_str(), json(&team.plan)?, cql_instant(team.created_at));
        let answer = self.cql.conditional(&self.cql.statements().create_team, &values).await?;
        let exists = || RegistryError::Exists { what: "team", id: team.id.to_string() };
        if !was_applied(&answer)? {
            if is_claimed {
                self.release_name(&team.name, team.id).await?;
            }
            return Err(exists());
        }
        self.keep_name(&team.name, team.id).await?;
        if team.archived_at.is_some() {
            self.archive_or_restore(team.id, team.archived_at).await?;
        }
        Ok(())
    }

    pub(super) async fn rename(&self, team: TeamId, name: &str) -> Result<(), RegistryError> {
        let teams = self.all_teams().await?;
        let before = teams.into_iter().find(|known| known.id == team).ok_or_else(|| no_team(team))?.name;
        if before == name {
            return Ok(());
        }
        self.claim_name(name, team).await?;
        let answer = self.cql.conditional(&self.cql.statements().rename_team, &(name, team.to_string())).await?;
        if !was_applied(&answer)? {
            self.release_name(name, team).await?;
            return Err(no_team(team));
        }
        self.keep_name(name, team).await?;
        Ok(self.release_name(&before, team).await?)
    }

    /// Archives the team if an instant is given (the first instant is kept), else restores it.
    pub(super) async fn archive_or_restore(&self, team: TeamId, at: Option<Timestamp>) -> Result<(), StoreError> {
        let (statements, team) = (self.cql.statements(), team.to_string());
        match at {
            Some(at) => self.cql.conditional(&statements.archive_team, &(team, cql_instant(at))).await.map(drop),
            None => self.cql.conditional(&statements.restore_team, &(team,)).await.map(drop),
        }
    }

    /// When the team was archived; `None` if it is not.
    pub(super) async fn archived_at(&self, team: TeamId) -> Result<Option<Timestamp>, StoreError> {
        let found = self.cql.run(&self.cql.statements().archived_team, &(team.to_string(),)).await?;
        let row = found.rows.maybe_first_row::<(CqlTimestamp,)>();
        Ok(row.map_err(|error| unreadable("archived_teams", error))?.map(|(at,)| Timestamp::from_millis(at.0)))
    }

    async fn archived_teams(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let mut archived = HashMap::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().archived_teams, (), None, state).await?;
            let rows = page.rows.rows::<(String, CqlTimestamp)>();
            for row in rows.map_err(|error| unreadable("archived_teams", error))? {
                let (team, at) = row.map_err(|error| unreadable("archived_teams", error))?;
                archived.insert(team, Timestamp::from_millis(at.0));
            }
            from = page.next;
        }
        Ok(archived)
    }

    /// All teams by creation, then id. Reads two whole tables, which are small.
    pub(super) async fn all_teams(&self) -> Result<Vec<Team>, StoreError> {
        let archived = self.archived_teams().await?;
        let mut teams = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().teams, (), None, state).await?;
            let rows = page.rows.rows::<(&str, &str, &str, CqlTimestamp)>();
            for row in rows.map_err(|error| unreadable("teams", error))? {
                let (id, name, plan, created_at) = row.map_err(|error| unreadable("teams", error))?;
                let archived_at = archived.get(id).copied();
                let id = id.parse().map_err(|error| unreadable("teams", error))?;
                let plan = serde_json::from_str(plan).map_err(|error| unreadable("teams", error))?;
                let created_at = Timestamp::from_millis(created_at.0);
                teams.push(Team { id, name: name.to_owned(), plan, created_at, archived_at });
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

    /// The team's plan; `None` if there is no such team.
    pub(super) async fn plan_of(&self, team: TeamId) -> Result<Option<Plan>, StoreError> {
        let found = self.cql.run(&self.cql.statements().team, &(team.to_string(),)).await?;
        let row = found.rows.maybe_first_row::<(&str, &str, CqlTimestamp)>();
        let Some((_, plan, _)) = row.map_err(|error| unreadable("teams", error))? else {
            return Ok(None);
        };
        serde_json::from_str(plan).map(Some).map_err(|error| unreadable("teams", error))
    }

    /// The team's plan, or the error for a missing team.
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
