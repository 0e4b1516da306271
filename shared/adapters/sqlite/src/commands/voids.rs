//! Void records on `keys.db`.

use async_trait::async_trait;
use rusqlite::params;
use tidegate_kernel::Position;
use tidegate_kernel::command::VoidState;
use tidegate_ports::{StoreError, Void, VoidRequest, Voids};

use super::keys::EmbeddedKeys;
use crate::sqlite::failure::unreadable;
use crate::sqlite::values::{millis, text};

#[async_trait]
impl Voids for EmbeddedKeys {
    async fn ask(&self, request: VoidRequest) -> Result<u32, StoreError> {
        self.change(move |connection| {
            let VoidRequest { position: Position { generation, partition, offset }, reason, asked_at } = request;
            let ask = "INSERT INTO voids (generation, partition, offset, reason, voided_at_ms, state, ask_round) \
                       VALUES (?1, ?2, ?3, ?4, ?5, 'asked', 1) \
                       ON CONFLICT DO UPDATE SET state = 'asked', ask_round = ask_round + 1 WHERE state = 'withdrawn'";
            let values = params![generation, partition, offset, reason, asked_at.as_millis()];
            connection.execute(ask, values)?;
            let round = "SELECT ask_round FROM voids WHERE generation = ?1 AND partition = ?2 AND offset = ?3";
            connection.query_one(round, params![generation, partition, offset], |row| row.get(0))
        })
        .await
    }

    async fn settle(&self, position: Position, round: u32, state: VoidState) -> Result<(), StoreError> {
        self.change(move |connection| {
            let Position { generation, partition, offset } = position;
            let settle = "UPDATE voids SET state = ?4 \
                          WHERE generation = ?1 AND partition = ?2 AND offset = ?3 \
                          AND state = 'asked' AND ask_round = ?5";
            connection.execute(settle, params![generation, partition, offset, state.as_str(), round]).map(drop)
        })
        .await
    }

    async fn all(&self) -> Result<Vec<Void>, StoreError> {
        self.readers
            .read(|connection| {
                let mut all = connection.prepare_cached(
                    "SELECT generation, partition, offset, reason, voided_at_ms, state FROM voids \
                     ORDER BY generation, partition, offset",
                )?;
                let voids = all.query_map([], |row| {
                    let position = Position { generation: row.get(0)?, partition: row.get(1)?, offset: row.get(2)? };
                    let request = VoidRequest { position, reason: row.get(3)?, asked_at: millis(row, 4)? };
                    let state = VoidState::parse(text(row, 5)?.unwrap_or_default());
                    let state = state.ok_or_else(|| unreadable(5, "a state that this release does not know"))?;
                    Ok(Void { request, state })
                })?;
                voids.collect()
            })
            .await
    }
}
