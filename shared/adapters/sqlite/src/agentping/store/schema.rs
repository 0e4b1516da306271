//! The tables of `store.db`.

use crate::guards;

/// Steps are only ever added.
///
/// Ids are blobs of 17 bytes: region, then the id's bits, so that they sort as ids do. A team's are replaced by a
/// small number, a run's by its row's. The other columns of a run repeat what is in its JSON columns, for listings
/// and sums. `runs_by_start` and `orphans` are partial: a run is in exactly one of them.
///
/// Step 2 keeps one row for the events of a save, appended in the order of saves. `event_ids` has one row for each event,
/// ordered by id, which is by time: it grows at its end. `data` is in the batch's JSON as the client wrote it.
///
/// Step 3 adds the result of every record: `accounts`, a row for each partition of the log, and `notes`, a row for
/// each record that was not simply stored, without a team and a run where those could not be read.
///
/// Step 4 adds the count of checkpoints, see [`crate::guards`].
///
/// Step 5 lists runs by [`listed_at`](tidegate_agentping::run::clock_skew::listed_at), which is not their start where that is
/// dated by a clock out of bounds (24 hours ahead of its receipt, 400 days behind it: the numbers below), and gives batches
/// their least id, so that a page of events reads the batches around it only. Earlier batches have none.
///
/// Step 6 adds `halts`: the offset of a partition from which on nothing is applied.
///
/// Step 7 adds `repeats`: how often ids of an agent's runs were used again, by month of receipt. Earlier builds kept no
/// months of a run's repeats: all count in the month of the last one.
///
/// Step 8 adds the pulse feed, a row for each record that says something to those who watch agents, and when a run last
/// reported that it is alive. Records of before have no rows.
pub(crate) const MIGRATIONS: &[&str] = &[
    "
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
",
    "
CREATE TABLE event_batches (
    batch_no INTEGER PRIMARY KEY,
    run_no INTEGER NOT NULL,
    greatest_id BLOB NOT NULL,
    events TEXT NOT NULL
) STRICT;
CREATE TABLE event_ids (
    id BLOB NOT NULL,
    run_no INTEGER NOT NULL,
    content_hash INTEGER NOT NULL,
    PRIMARY KEY (id, run_no)
) STRICT, WITHOUT ROWID;

INSERT INTO event_ids (id, run_no, content_hash) SELECT id, run_no, content_hash FROM events ORDER BY id, run_no;
INSERT INTO event_batches (run_no, greatest_id, events)
SELECT run_no, max(id), '[' || group_concat(
    '{\"received_at_ms\":' || received_at_ms || ',\"event\":{\"id\":\"evt_'
    || iif(substr(hex(id), 1, 2) = '00', 'eu', 'us') || '_' || lower(substr(hex(id), 3))
    || '\",\"type\":\"' || type || '\",\"ts_ms\":' || ts_ms || ',\"turn\":' || ifnull(turn, 'null')
    || ',\"data\":' || data || ',\"content_hash\":' || printf('%u', content_hash)
    || ',\"errored\":' || iif(errored, 'true', 'false') || ',\"call\":' || iif(provider IS NULL, 'null',
        '{\"provider\":' || json_quote(provider) || ',\"model\":' || json_quote(model)
        || ',\"cost_nanos_usd\":' || cost_nanos_usd || ',\"priced\":' || iif(priced, 'true', 'false') || '}')
    || '}}', ',' ORDER BY event_no) || ']'
FROM events GROUP BY run_no;
DROP TABLE events;
CREATE INDEX event_batches_of_run ON event_batches (run_no, greatest_id);
",
    "
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

CREATE TABLE notes (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL,
    team BLOB,
    run BLOB,
    fate TEXT NOT NULL,
    PRIMARY KEY (generation, partition, offset)
) STRICT, WITHOUT ROWID;
CREATE INDEX notes_by_age ON notes (appended_at_ms);
",
    guards::CHECKPOINTS_TABLE,
    "
ALTER TABLE runs RENAME COLUMN started_at_ms TO listed_at_ms;
UPDATE runs SET listed_at_ms = json_extract(ifnull(start, implied), '$.received_at_ms')
WHERE listed_at_ms - json_extract(ifnull(start, implied), '$.received_at_ms') NOT BETWEEN -34560000000 AND 86400000;
ALTER TABLE event_batches ADD COLUMN least_id BLOB;
DROP INDEX event_batches_of_run;
CREATE INDEX event_batches_of_run ON event_batches (run_no, greatest_id, least_id);
",
    "
CREATE TABLE halts (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (generation, partition)
) STRICT, WITHOUT ROWID;
",
    "
CREATE TABLE repeats (
    team_no INTEGER NOT NULL,
    month INTEGER NOT NULL,
    agent TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (team_no, month, agent)
) STRICT, WITHOUT ROWID;

INSERT INTO repeats (team_no, month, agent, times)
WITH counted AS (
    SELECT team_no, agent, json_extract(finish, '$.repeats.times') AS times,
        json_extract(finish, '$.repeats.last_received_at_ms') / 1000 AS last_s
    FROM runs WHERE agent IS NOT NULL AND instr(finish, '\"repeats\":{') > 0
)
SELECT team_no, strftime('%Y', last_s, 'unixepoch') * 12 + strftime('%m', last_s, 'unixepoch') - 1 AS month, agent, sum(times)
FROM counted WHERE times IS NOT NULL GROUP BY team_no, month, agent;
",
    "
CREATE TABLE pulse_feed (
    generation INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (generation, partition, offset)
) STRICT, WITHOUT ROWID;
ALTER TABLE runs ADD COLUMN alive_at_ms INTEGER;
",
];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tidegate_agentping::run::clock_skew::{AHEAD_MAX_MS, BEHIND_MAX_MS};
    use tidegate_agentping::{Event, EventId, Id, ModelCall, RunId, TeamId};
    use tidegate_agentping_ports::{EventPage, EventRow};
    use tidegate_kernel::{FreeJson, Month, Region, Timestamp, Usd};

    use super::super::id_blob::blob_of;
    use super::super::{event_pages, events, repeats};
    use super::MIGRATIONS;

    #[test]
    fn events_of_the_first_schema_are_taken_over() {
        let call = ModelCall {
            provider: "a \"quoted\" one".into(),
            model: "m".into(),
            cost: Usd::from_nanos(42),
            priced: true,
        };
        let row = |number: u128, turn, errored, call| EventRow {
            event: Event {
                id: EventId::from_bits(if number == 1 { Region::Us } else { Region::Eu }, number),
                kind: "llm_call".into(),
                ts: Timestamp::from_millis(5),
                turn,
                data: FreeJson::parse(r#"{ "as":  "sent\u0021", "n":1.50 }"#).expect("JSON"),
                content_hash: u64::MAX - number as u64,
                earlier_hash: None,
                errored,
                call,
            },
            received_at: Timestamp::from_millis(7),
        };
        let rows = [row(1, None, true, None), row(2, Some(3), false, Some(call)), row(3, None, false, None)];
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(MIGRATIONS[0]).expect("the first schema");
        for EventRow { event, received_at } in &rows {
            let call = event.call.as_ref();
            let values = rusqlite::params![
                i64::from(event.turn.is_some()),
                blob_of(event.id),
                event.content_hash.cast_signed(),
                event.kind.as_str(),
                event.ts.as_millis(),
                event.turn,
                event.errored,
                call.map(|call| call.provider.as_str()),
                call.map(|call| call.model.as_str()),
                call.map(|call| call.cost.as_nanos().cast_signed()),
                call.map(|call| call.priced),
                received_at.as_millis(),
                event.data.as_str(),
            ];
            let insert = "INSERT INTO events (run_no, id, content_hash, type, ts_ms, turn, errored, provider, model, \
                          cost_nanos_usd, priced, received_at_ms, data) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
            connection.execute(insert, values).expect("inserted");
        }
        MIGRATIONS[1..].iter().for_each(|step| connection.execute_batch(step).expect("the later ones"));
        let [first, second, third] = rows;
        let hash = (second.event.id, second.event.content_hash);
        let of_run = |run_no, page| event_pages::of_run(&connection, run_no, &page).map(|page| (page.rows, page.more));
        assert_eq!(of_run(0, EventPage::WHOLE), Ok((vec![third.clone(), first.clone()], false)));
        assert_eq!(of_run(0, EventPage { limit: 1, ..EventPage::WHOLE }), Ok((vec![third.clone()], true)));
        let rest = EventPage { after: Some(third.event.id), ..EventPage::WHOLE };
        assert_eq!(of_run(0, rest), Ok((vec![first], false)));
        assert_eq!(of_run(1, EventPage::WHOLE), Ok((vec![second], false)));
        assert_eq!(events::stored_hashes(&connection, 1, &[hash.0]), Ok(vec![hash]));
        assert_eq!(events::stored_hashes(&connection, 0, &[hash.0]), Ok(Vec::new()));
    }

    /// Rows of earlier builds are listed by their start, whatever clock it is from.
    #[test]
    fn runs_of_the_fourth_schema_move_to_where_they_are_listed() {
        const RECEIVED: i64 = 1_778_846_400_000;
        let connection = Connection::open_in_memory().expect("a database");
        MIGRATIONS[..4].iter().for_each(|step| connection.execute_batch(step).expect("the first four"));
        let started = [
            (Some("start"), RECEIVED - 1, RECEIVED - 1),
            (Some("start"), 253_402_300_799_999, RECEIVED),
            (Some("implied"), -62_135_596_800_000, RECEIVED),
            (Some("start"), RECEIVED + AHEAD_MAX_MS, RECEIVED + AHEAD_MAX_MS),
            (Some("start"), RECEIVED + AHEAD_MAX_MS + 1, RECEIVED),
            (Some("implied"), RECEIVED - BEHIND_MAX_MS, RECEIVED - BEHIND_MAX_MS),
            (Some("implied"), RECEIVED - BEHIND_MAX_MS - 1, RECEIVED),
            (None, 0, 0),
        ];
        for (run_no, (register, started_at, _)) in (0_i64..).zip(started) {
            let opening = format!(r#"{{"received_at_ms":{RECEIVED}}}"#);
            let of = |name| (register == Some(name)).then_some(&opening);
            let insert = "INSERT INTO runs (run_no, team_no, run, position, started_at_ms, cost_nanos_usd, start, implied, \
                          events, events_cost_nanos_usd, errored, conflicted, last_activity_ms, last_received_ms, units) \
                          VALUES (?1, 1, ?2, 0, ?3, 0, ?4, ?5, 0, 0, 0, 0, 0, 0, '[]')";
            let run = blob_of(RunId::from_bits(Region::Eu, run_no as u128));
            let values = rusqlite::params![run_no, run, register.map(|_| started_at), of("start"), of("implied")];
            connection.execute(insert, values).expect("inserted");
        }
        connection.execute_batch(MIGRATIONS[4]).expect("the fifth");
        for (run_no, (register, _, expected)) in (0_i64..).zip(started) {
            let listed = connection.query_row("SELECT listed_at_ms FROM runs WHERE run_no = ?1", [run_no], |row| {
                row.get::<_, Option<i64>>(0)
            });
            assert_eq!(listed, Ok(register.map(|_| expected)), "run {run_no}");
        }
    }

    /// Runs of before say how often their id was used again, and when last: the sums begin with that.
    #[test]
    fn repeats_of_the_sixth_schema_are_summed() {
        // 2026-05-31T23:59:59.999Z and the next millisecond.
        const LAST_OF_MAY: i64 = 1_780_271_999_999;
        let connection = Connection::open_in_memory().expect("a database");
        MIGRATIONS[..6].iter().for_each(|step| connection.execute_batch(step).expect("the first six"));
        let repeats = |times: u64, last: i64| {
            Some(format!(
                r#"{{"status":"success","finished_at_ms":0,"received_at_ms":0,"reported":{{"output":"\"repeats\":{{"}},
                "repeats":{{"times":{times},"last_received_at_ms":{last},"other_status":"failed"}}}}"#
            ))
        };
        let none = Some(r#"{"status":"success","reported":{"output":{"repeats":{"times":5}}}}"#.to_owned());
        let rows = [
            (Some("a"), repeats(2, LAST_OF_MAY)),
            (Some("a"), repeats(3, LAST_OF_MAY - 1)),
            (Some("a"), repeats(4, LAST_OF_MAY + 1)),
            (Some("b"), repeats(1, LAST_OF_MAY)),
            (None, repeats(7, LAST_OF_MAY)),
            (Some("a"), none),
            (Some("a"), None),
        ];
        let team: TeamId = Id::from_bits(Region::Eu, 9);
        connection.execute("INSERT INTO teams VALUES (1, ?1)", [blob_of(team)]).expect("a team");
        for (run_no, (agent, finish)) in (0_i64..).zip(rows) {
            let insert = "INSERT INTO runs (run_no, team_no, run, position, agent, cost_nanos_usd, finish, events, \
                          events_cost_nanos_usd, errored, conflicted, last_activity_ms, last_received_ms, units) \
                          VALUES (?1, 1, ?2, 0, ?3, 0, ?4, 0, 0, 0, 0, 0, 0, '[]')";
            let run = blob_of(RunId::from_bits(Region::Eu, run_no as u128));
            connection.execute(insert, rusqlite::params![run_no, run, agent, finish]).expect("inserted");
        }
        connection.execute_batch(MIGRATIONS[6]).expect("the seventh");
        let may = Month::of(Timestamp::from_millis(LAST_OF_MAY));
        let of = |month| -> Vec<(String, u64)> {
            let found = repeats::of_month(&connection, team, month).expect("read");
            found.into_iter().map(|row| (row.agent.to_string(), row.times)).collect()
        };
        assert_eq!(of(may), [("a".to_owned(), 5), ("b".to_owned(), 1)]);
        assert_eq!(of(may.next()), [("a".to_owned(), 4)]);
    }
}
