//! The tables of `registry.db`.

use rusqlite::Connection;

use crate::sqlite::values::unsigned;

/// Steps are only ever added. Credentials are there as SHA-256 only; keys have no `agent`, tokens have one. `access` is null for full access and for tokens, `label` where a key has none. `changes` has
/// one row: how many changes were ever made. Each archiving of an agent has a number of its own, so that a running service
/// reads only what is new to it.
pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE teams (
    team BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    hash BLOB PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('key', 'token')),
    id BLOB NOT NULL,
    team BLOB NOT NULL REFERENCES teams (team),
    agent TEXT CHECK ((agent IS NULL) = (kind = 'key')),
    created_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER,
    expires_at_ms INTEGER,
    UNIQUE (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_of_team ON credentials (team, kind, created_at_ms, id);

CREATE TABLE agents (
    team BLOB NOT NULL REFERENCES teams (team),
    slug TEXT NOT NULL,
    first_token_at_ms INTEGER NOT NULL,
    PRIMARY KEY (team, slug)
) STRICT, WITHOUT ROWID;

CREATE TABLE rates (
    team BLOB NOT NULL REFERENCES teams (team),
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    rate TEXT NOT NULL,
    PRIMARY KEY (team, provider, model)
) STRICT, WITHOUT ROWID;
",
    "
CREATE TABLE changes (made INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (0);
",
    "
ALTER TABLE teams ADD COLUMN archived_at_ms INTEGER;

CREATE TABLE archived_agents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    team BLOB NOT NULL REFERENCES teams (team),
    slug TEXT NOT NULL,
    archived_at_ms INTEGER NOT NULL,
    UNIQUE (team, slug)
) STRICT;
",
    "
ALTER TABLE credentials ADD COLUMN access TEXT;
",
    "
ALTER TABLE credentials ADD COLUMN label TEXT;
",
];

/// Changes made since the registry was made; a file of the first version counts none. Its checkpoints are not counted: the
/// count of changes detects each change that is lost.
pub(super) fn changes_in(connection: &Connection) -> rusqlite::Result<u64> {
    if !connection.table_exists(None, "changes")? {
        return Ok(0);
    }
    connection.query_row("SELECT made FROM changes", [], |row| unsigned(row, 0))
}
