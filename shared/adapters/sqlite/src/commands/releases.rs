//! Releases on `keys.db`.

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidegate_kernel::command::{Registration, Release, Rules};
use tidegate_kernel::{Position, SmolStr};
use tidegate_ports::{Releases, StoreError};

use super::keys::EmbeddedKeys;
use crate::sqlite::values::{millis, text};

#[async_trait]
impl Releases for EmbeddedKeys {
    async fn register(&self, Registration { release, seen_at }: Registration) -> Result<(), StoreError> {
        self.change(move |connection| {
            let register = "INSERT INTO releases (name, format, rules, seen_at_ms) VALUES (?1, ?2, ?3, ?4) \
                            ON CONFLICT DO UPDATE SET seen_at_ms = max(seen_at_ms, excluded.seen_at_ms)";
            let Release { name, format, rules } = release;
            let values = params![name.as_str(), format, rules.version(), seen_at.as_millis()];
            connection.execute(register, values).map(drop)
        })
        .await
    }

    async fn registered(&self) -> Result<Vec<Registration>, StoreError> {
        self.readers
            .read(|connection| {
                let all = "SELECT name, format, rules, seen_at_ms FROM releases ORDER BY name, format, rules";
                let mut all = connection.prepare_cached(all)?;
                let registrations =
                    all.query_map([], |row| Ok(Registration { release: release(row, 0)?, seen_at: millis(row, 3)? }))?;
                registrations.collect()
            })
            .await
    }

    async fn cannot_decide(&self, release: Release, position: Position) -> Result<(), StoreError> {
        self.change(move |connection| {
            let state = "INSERT INTO inabilities (generation, partition, offset, name, format, rules) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let (Position { generation, partition, offset }, Release { name, format, rules }) = (position, release);
            let values = params![generation, partition, offset, name.as_str(), format, rules.version()];
            connection.execute(state, values).map(drop)
        })
        .await
    }

    async fn inabilities(&self) -> Result<Vec<(Position, Release)>, StoreError> {
        self.readers
            .read(|connection| {
                let mut all = connection.prepare_cached(
                    "SELECT generation, partition, offset, name, format, rules FROM inabilities \
                     ORDER BY generation, partition, offset, name, format, rules",
                )?;
                let inabilities = all.query_map([], |row| {
                    let position = Position { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? };
                    Ok((position, release(row, 3)?))
                })?;
                inabilities.collect()
            })
            .await
    }
}

/// Name, format, and rules, from this column on.
fn release(row: &Row<'_>, from: usize) -> rusqlite::Result<Release> {
    let name = SmolStr::new(text(row, from)?.unwrap_or_default());
    Ok(Release { name, format: row.get(from + 1)?, rules: Rules::new(row.get(from + 2)?) })
}
