//! The names of teams, which are unique.
//!
//! A conditional write claims a name for a minute before the team's row is written, and the claim is made permanent
//! afterwards. Of two concurrent claims one is refused, and the claim of an interrupted call expires. Teams created
//! before this table existed have no row here, so their names are looked up among the teams. Only management commands
//! use this table.

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::RegistryError;
use tidegate_ports::StoreError;

use super::ScyllaRegistry;
use super::credential_row::was_applied;
use crate::failure::unreadable;

impl ScyllaRegistry {
    /// Claims the name for the team; `false` if the team had the name already.
    ///
    /// # Errors
    /// [`RegistryError::NameTaken`].
    pub(super) async fn claim_name(&self, name: &str, team: TeamId) -> Result<bool, RegistryError> {
        let taken = |by| Err(RegistryError::NameTaken { name: name.to_owned(), by });
        let teams = self.all_teams().await?;
        if let Some(other) = teams.iter().find(|other| other.name == name && other.id != team) {
            return taken(other.id);
        }
        let (statements, own) = (self.cql.statements(), team.to_string());
        let answer = self.cql.conditional(&statements.claim_name, &(name, &own)).await?;
        if was_applied(&answer)? {
            return Ok(true);
        }
        let Some((holder, lapses)) = self.name_holder(name).await? else {
            // The claim has just expired.
            let answer = self.cql.conditional(&statements.claim_name, &(name, &own)).await?;
            return if was_applied(&answer)? { Ok(true) } else { taken(team) };
        };
        let by: TeamId = holder.parse().map_err(|error| unreadable("team_names", error))?;
        match by == team {
            true => Ok(false),
            // Another call holds an unfinished claim.
            false if lapses => taken(by),
            // No team has this name: its holder was renamed, and the row of the old name stayed.
            false => {
                let answer = self.cql.conditional(&statements.replace_name, &(&own, name, &holder)).await?;
                if was_applied(&answer)? { Ok(true) } else { taken(by) }
            }
        }
    }

    /// Makes the claim permanent.
    pub(super) async fn keep_name(&self, name: &str, team: TeamId) -> Result<(), StoreError> {
        let own = team.to_string();
        self.cql.conditional(&self.cql.statements().keep_name, &(&own, name, &own)).await.map(drop)
    }

    /// Releases the name if the team has it.
    pub(super) async fn release_name(&self, name: &str, team: TeamId) -> Result<(), StoreError> {
        self.cql.conditional(&self.cql.statements().release_name, &(name, team.to_string())).await.map(drop)
    }

    /// The team that has the name, and whether its claim expires.
    async fn name_holder(&self, name: &str) -> Result<Option<(String, bool)>, StoreError> {
        let found = self.cql.run(&self.cql.statements().name_holder, &(name,)).await?;
        let row = found.rows.maybe_first_row::<(Option<String>, Option<i32>)>();
        let row = row.map_err(|error| unreadable("team_names", error))?;
        Ok(row.and_then(|(team, ttl)| Some((team?, ttl.is_some()))))
    }
}
