//! Releases, all in one partition: there are few. Nothing of them is ever deleted.

use async_trait::async_trait;
use scylla::response::PagingState;
use scylla::value::CqlTimestamp;
use tidegate_kernel::command::{Registration, Release, Rules};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{Releases, StoreError};

use super::ScyllaCommands;
use super::positions::{cells_of, position_of};
use crate::failure::unreadable;

/// Name, format, rules, instant.
type RegistrationCells = (String, i32, i32, CqlTimestamp);
/// Position, then name, format, rules.
type InabilityCells = (i32, i32, i64, String, i32, i32);

#[async_trait]
impl Releases for ScyllaCommands {
    /// At its instant, so that the last one stays.
    async fn register(&self, Registration { release, seen_at }: Registration) -> Result<(), StoreError> {
        let (name, format, rules) = cells_of_release(release);
        let at = seen_at.as_millis();
        let values = (name, format, rules, CqlTimestamp(at), at);
        self.cql.write(&self.cql.statements().register_release, values).await
    }

    async fn registered(&self) -> Result<Vec<Registration>, StoreError> {
        const TABLE: &str = "releases";
        let mut registrations = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().releases, (), None, state).await?;
            for row in page.rows.rows::<RegistrationCells>().map_err(|error| unreadable(TABLE, error))? {
                let (name, format, rules, at) = row.map_err(|error| unreadable(TABLE, error))?;
                let release = release_of(TABLE, name, format, rules)?;
                registrations.push(Registration { release, seen_at: Timestamp::from_millis(at.0) });
            }
            from = page.next;
        }
        Ok(registrations)
    }

    async fn cannot_decide(&self, release: Release, position: Position) -> Result<(), StoreError> {
        let (generation, partition, offset) = cells_of(position);
        let (name, format, rules) = cells_of_release(release);
        let values = (generation, partition, offset, name, format, rules);
        self.cql.write(&self.cql.statements().state_inability, values).await
    }

    async fn inabilities(&self) -> Result<Vec<(Position, Release)>, StoreError> {
        const TABLE: &str = "inabilities";
        let mut inabilities = Vec::new();
        let mut from = Some(PagingState::start());
        while let Some(state) = from {
            let page = self.cql.page(&self.cql.statements().inabilities, (), None, state).await?;
            for row in page.rows.rows::<InabilityCells>().map_err(|error| unreadable(TABLE, error))? {
                let (generation, partition, offset, name, format, rules) =
                    row.map_err(|error| unreadable(TABLE, error))?;
                let position = position_of(TABLE, (generation, partition, offset))?;
                inabilities.push((position, release_of(TABLE, name, format, rules)?));
            }
            from = page.next;
        }
        Ok(inabilities)
    }
}

fn cells_of_release(Release { name, format, rules }: Release) -> (String, i32, i32) {
    (name.into(), format.cast_signed(), i32::from(rules.version()))
}

fn release_of(table: &str, name: String, format: i32, rules: i32) -> Result<Release, StoreError> {
    let rules = u16::try_from(rules).map_err(|error| unreadable(table, error))?;
    Ok(Release { name: name.into(), format: format.cast_unsigned(), rules: Rules::new(rules) })
}
