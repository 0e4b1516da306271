//! The tables of `store.db`.

/// Steps are only ever added.
///
/// Ids are blobs of 17 bytes: region, then the id's bits, so that they sort as ids do. A team's are replaced by a
/// small number, a run's by its row's. What stands outside the JSON columns of a run repeats what is in them, for
/// listings and sums. Events are appended in the order of their saves, which never splits a page; what must be found
/// is in two slim indexes. `runs_by_start` and `orphans` are partial: a run is in exactly one of them.
pub(super) const MIGRATIONS: &[&str] = &["
CREATE TABLE teams (
    team_no INTEGER PRIMARY KEY,
    team BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE runs (
    run_no INTEGER PRIMARY KEY,
    team_no INTEGER NOT NULL,
    run BLOB NOT NULL,
    position INTEGER NOT NULL,
    started_at_ms INTEGER,
    agent TEXT,
    customer_id TEXT,
    feature TEXT,
    closed_as TEXT,
    idle_deadline_ms INTEGER,
    idle_closes_as TEXT,
    cost_nanos_usd INTEGER NOT NULL,
    start TEXT,
    implied TEXT,
    finish TEXT,
    events INTEGER NOT NULL,
    events_cost_nanos_usd INTEGER NOT NULL,
    errored INTEGER NOT NULL,
    conflicted INTEGER NOT NULL,
    last_activity_ms INTEGER NOT NULL,
    last_received_ms INTEGER NOT NULL,
    units TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_id ON runs (team_no, run);
CREATE INDEX runs_by_start ON runs (team_no, started_at_ms, run) WHERE started_at_ms IS NOT NULL;
CREATE INDEX orphans ON runs (last_received_ms) WHERE started_at_ms IS NULL;

CREATE TABLE events (
    event_no INTEGER PRIMARY KEY,
    run_no INTEGER NOT NULL,
    id BLOB NOT NULL,
    content_hash INTEGER NOT NULL,
    type TEXT NOT NULL,
    ts_ms INTEGER NOT NULL,
    turn INTEGER,
    errored INTEGER NOT NULL,
    provider TEXT,
    model TEXT,
    cost_nanos_usd INTEGER,
    priced INTEGER,
    received_at_ms INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_of_run ON events (run_no, id);
CREATE INDEX events_by_id ON events (id);

CREATE TABLE agents (
    team_no INTEGER NOT NULL,
    slug TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    PRIMARY KEY (team_no, slug)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    team_no INTEGER NOT NULL,
    month INTEGER NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (team_no, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE unpriced (
    team_no INTEGER NOT NULL,
    month INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    PRIMARY KEY (team_no, month, provider, model)
) STRICT, WITHOUT ROWID;
"];
