//! The tables of an API's `store.db`.

use crate::guards;
use crate::sqlite::Migrations;

/// Steps are only ever added.
///
/// `written_at` is [the position's write timestamp](tidegate_kernel::Position::write_timestamp). A view row that was
/// removed, and an owner of whom nothing is due, stay with a NULL, so that an older write changes nothing; `partition`
/// lets [removed rows](super::cleanup) go once no older write can come. Facts are never updated, so their position is part
/// of their key.
pub(super) const MIGRATIONS: &Migrations = &[
    "
CREATE TABLE books (
    owner TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    doc BLOB NOT NULL
) STRICT;

CREATE TABLE facts (
    owner TEXT NOT NULL,
    fact BLOB NOT NULL,
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    doc BLOB NOT NULL,
    expires_at_ms INTEGER,
    PRIMARY KEY (owner, fact, generation, partition, offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_by_expiry ON facts (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE TABLE views (
    view TEXT NOT NULL,
    shard TEXT NOT NULL,
    row TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    doc BLOB,
    PRIMARY KEY (view, shard, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX removed_rows ON views (partition, written_at) WHERE doc IS NULL;

CREATE TABLE due (
    shard INTEGER NOT NULL,
    owner TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    at_ms INTEGER,
    PRIMARY KEY (shard, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    shard INTEGER NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery_progress (
    shard INTEGER NOT NULL,
    id TEXT NOT NULL,
    tries INTEGER NOT NULL,
    state TEXT NOT NULL,
    retry_at_ms INTEGER,
    last TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX finished_deliveries ON delivery_progress (at_ms) WHERE state != 'retry';

CREATE TABLE accounts (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    from_offset INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    conflict INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE halts (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) STRICT, WITHOUT ROWID;
",
    guards::CHECKPOINTS_TABLE,
];
