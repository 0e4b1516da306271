//! The tables of `registry.db`.

/// Steps are only ever added. Credentials are there as SHA-256 only; keys have no `agent`, tokens have one.
pub(super) const MIGRATIONS: &[&str] = &["
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
"];
