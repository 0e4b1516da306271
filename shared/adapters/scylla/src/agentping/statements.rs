//! Every statement that AgentPing's store and registry send.

use crate::accounts::AccountStatements;
use crate::statement::statements;

statements! {
    /// The statements of AgentPing's tables.
    AgentPingStatements with accounts: AccountStatements;

    // Runs: the partition with the summary and the events.
    run_position: "SELECT DISTINCT position FROM runs WHERE team = ? AND run = ?";
    run_summary: "SELECT DISTINCT position, summary FROM runs WHERE team = ? AND run = ?";
    run_event_hashes: "SELECT event, content_hash, WRITETIME(content_hash), position FROM runs \
                       WHERE team = ? AND run = ? AND event IN ?";
    run_events_named: "SELECT received_at, body FROM runs WHERE team = ? AND run = ? AND event IN ?";
    run_events: "SELECT event, received_at, body, WRITETIME(body), position FROM runs \
                 WHERE team = ? AND run = ? AND event > ?";
    run_event_ids: "SELECT event FROM runs WHERE team = ? AND run = ?";
    save_summary: "UPDATE runs USING TIMESTAMP ? SET position = ?, summary = ? WHERE team = ? AND run = ?";
    save_event: "INSERT INTO runs (team, run, event, content_hash, received_at, body) VALUES (?, ?, ?, ?, ?, ?) \
                 USING TIMESTAMP ?";
    delete_run: "DELETE FROM runs USING TIMESTAMP ? WHERE team = ? AND run = ?";

    // Which runs hold an event.
    event_owners: "SELECT run FROM event_owners WHERE team = ? AND born_minute = ? AND event = ?";
    save_owner: "INSERT INTO event_owners (team, born_minute, event, run) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    delete_owner: "DELETE FROM event_owners USING TIMESTAMP ? \
                   WHERE team = ? AND born_minute = ? AND event = ? AND run = ?";

    // Listings.
    listing: "SELECT started_at, run, line FROM run_listing \
              WHERE team = ? AND facet = ? AND label = ? AND day = ? AND bucket = ? \
              AND (started_at, run) >= (?, ?) AND (started_at, run) < (?, ?)";
    save_line: "INSERT INTO run_listing (team, facet, label, day, bucket, started_at, run, line) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    delete_line: "DELETE FROM run_listing USING TIMESTAMP ? \
                  WHERE team = ? AND facet = ? AND label = ? AND day = ? AND bucket = ? \
                  AND started_at = ? AND run = ?";
    days: "SELECT day, bucket FROM run_days WHERE team = ? AND facet = ? AND label = ? AND day >= ? AND day <= ?";
    save_day: "INSERT INTO run_days (team, facet, label, day, bucket) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";

    line: "SELECT line FROM run_listing WHERE team = ? AND facet = ? AND label = ? AND day = ? AND bucket = ? \
           AND started_at = ? AND run = ?";
    day: "SELECT bucket FROM run_days WHERE team = ? AND facet = ? AND label = ? AND day = ? AND bucket = ?";

    // What follows from runs.
    usage_of_run: "SELECT units FROM run_usage WHERE team = ? AND month = ? AND bucket = ? AND run = ?";
    agent: "SELECT first_seen, last_seen FROM run_agents WHERE team = ? AND slug = ?";
    unpriced_model: "SELECT model FROM unpriced_models WHERE team = ? AND month = ? AND provider = ? AND model = ?";
    event_owner: "SELECT run FROM event_owners WHERE team = ? AND born_minute = ? AND event = ? AND run = ?";
    usage: "SELECT sum(units) FROM run_usage WHERE team = ? AND month = ? AND bucket = ?";
    save_usage: "INSERT INTO run_usage (team, month, bucket, run, units) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    repeats_of_run: "SELECT repeats FROM run_repeats \
                     WHERE team = ? AND month = ? AND bucket = ? AND agent = ? AND run = ?";
    repeats: "SELECT agent, sum(repeats) FROM run_repeats WHERE team = ? AND month = ? AND bucket = ? GROUP BY agent";
    save_repeats: "INSERT INTO run_repeats (team, month, bucket, agent, run, repeats) VALUES (?, ?, ?, ?, ?, ?) \
                   USING TIMESTAMP ?";
    delete_repeats: "DELETE FROM run_repeats USING TIMESTAMP ? \
                     WHERE team = ? AND month = ? AND bucket = ? AND agent = ? AND run = ?";
    agents: "SELECT slug, first_seen, last_seen FROM run_agents WHERE team = ?";
    save_agent_first: "UPDATE run_agents USING TIMESTAMP ? SET first_seen = ? WHERE team = ? AND slug = ?";
    save_agent_last: "UPDATE run_agents USING TIMESTAMP ? SET last_seen = ? WHERE team = ? AND slug = ?";
    unpriced: "SELECT provider, model FROM unpriced_models WHERE team = ? AND month = ?";
    save_unpriced: "INSERT INTO unpriced_models (team, month, provider, model) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";

    // Orphans.
    orphans: "SELECT team, run, position, last_received FROM orphans WHERE day = ? AND bucket = ?";
    save_orphan: "INSERT INTO orphans (day, bucket, team, run, position, last_received) \
                  VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    delete_orphan: "DELETE FROM orphans USING TIMESTAMP ? WHERE day = ? AND bucket = ? AND team = ? AND run = ?";
    orphan_days: "SELECT day, bucket, WRITETIME(marked) FROM orphan_days WHERE lane = ? AND day <= ?";
    mark_orphan_day: "INSERT INTO orphan_days (lane, day, bucket, marked) VALUES (?, ?, ?, true)";
    unmark_orphan_day: "DELETE FROM orphan_days USING TIMESTAMP ? WHERE lane = ? AND day = ? AND bucket = ?";

    // Notes on records that were not simply stored.
    notes: "SELECT log_offset, appended_at, team, run, fate FROM notes \
            WHERE generation = ? AND log_partition = ? AND bucket = ? AND log_offset IN ?";
    save_note: "INSERT INTO notes (generation, log_partition, bucket, log_offset, appended_at, team, run, fate) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";

    fates: "SELECT log_offset, fate FROM notes WHERE generation = ? AND log_partition = ? AND bucket = ? \
            AND log_offset >= ? AND log_offset <= ?";

    // The pulse feed.
    feed: "SELECT log_offset, entry FROM pulse_feed WHERE generation = ? AND log_partition = ? AND bucket = ? \
           AND log_offset >= ? AND log_offset < ? LIMIT ?";
    save_feed_entry: "INSERT INTO pulse_feed (generation, log_partition, bucket, log_offset, entry) \
                      VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";

    // Settings: documents, which are written conditionally only.
    document: "SELECT name, version, doc, written_at, ends_at FROM documents WHERE space = ? AND kind = ? AND name = ?";
    documents_up: "SELECT name, version, doc, written_at, ends_at FROM documents \
                   WHERE space = ? AND kind = ? AND name >= ?";
    documents_up_after: "SELECT name, version, doc, written_at, ends_at FROM documents \
                         WHERE space = ? AND kind = ? AND name > ?";
    documents_down: "SELECT name, version, doc, written_at, ends_at FROM documents \
                     WHERE space = ? AND kind = ? AND name >= ? ORDER BY kind DESC, name DESC";
    documents_down_before: "SELECT name, version, doc, written_at, ends_at FROM documents \
                            WHERE space = ? AND kind = ? AND name >= ? AND name < ? ORDER BY kind DESC, name DESC";
    set_document: "UPDATE documents USING TTL ? SET version = ?, doc = ?, written_at = ?, ends_at = ? \
                   WHERE space = ? AND kind = ? AND name = ? IF version = ?";
    remove_document: "DELETE FROM documents WHERE space = ? AND kind = ? AND name = ? IF version = ?";
    spaces: "SELECT DISTINCT space FROM documents";
    announce_change: "INSERT INTO document_changes (minute, space) VALUES (?, ?)";
    changed_spaces: "SELECT space FROM document_changes WHERE minute = ?";

    // Derived rows.
    kept_row: "SELECT name, doc, is_removed, ends_at FROM kept_rows WHERE kind = ? AND shard = ? AND name = ?";
    rows_up: "SELECT name, doc, is_removed, ends_at FROM kept_rows WHERE kind = ? AND shard = ?";
    rows_up_after: "SELECT name, doc, is_removed, ends_at FROM kept_rows WHERE kind = ? AND shard = ? AND name > ?";
    rows_down: "SELECT name, doc, is_removed, ends_at FROM kept_rows WHERE kind = ? AND shard = ? ORDER BY name DESC";
    rows_down_after: "SELECT name, doc, is_removed, ends_at FROM kept_rows \
                      WHERE kind = ? AND shard = ? AND name < ? ORDER BY name DESC";
    put_row: "UPDATE kept_rows USING TIMESTAMP ? AND TTL ? SET doc = ?, is_removed = ?, ends_at = ? \
              WHERE kind = ? AND shard = ? AND name = ?";
    insert_row: "INSERT INTO kept_rows (kind, shard, name, doc, is_removed, ends_at) VALUES (?, ?, ?, ?, false, ?) \
                 IF NOT EXISTS USING TTL ?";

    // Registry: teams and rates.
    team: "SELECT name, plan, created_at FROM teams WHERE team = ?";
    teams: "SELECT team, name, plan, created_at FROM teams";
    create_team: "INSERT INTO teams (team, name, plan, created_at) VALUES (?, ?, ?, ?) IF NOT EXISTS";
    set_plan: "UPDATE teams SET plan = ? WHERE team = ? IF EXISTS";
    rename_team: "UPDATE teams SET name = ? WHERE team = ? IF EXISTS";
    name_holder: "SELECT team, TTL(team) FROM team_names WHERE name = ?";
    claim_name: "INSERT INTO team_names (name, team) VALUES (?, ?) IF NOT EXISTS USING TTL 60";
    replace_name: "UPDATE team_names USING TTL 60 SET team = ? WHERE name = ? IF team = ?";
    keep_name: "UPDATE team_names SET team = ? WHERE name = ? IF team = ?";
    release_name: "DELETE FROM team_names WHERE name = ? IF team = ?";
    archived_team: "SELECT archived_at FROM archived_teams WHERE team = ?";
    archived_teams: "SELECT team, archived_at FROM archived_teams";
    archive_team: "INSERT INTO archived_teams (team, archived_at) VALUES (?, ?) IF NOT EXISTS";
    restore_team: "DELETE FROM archived_teams WHERE team = ? IF EXISTS";
    archived_agents: "SELECT slug, archived_at FROM archived_agents WHERE team = ?";
    archive_agent: "INSERT INTO archived_agents (team, slug, archived_at) VALUES (?, ?, ?)";
    restore_agent: "DELETE FROM archived_agents WHERE team = ? AND slug = ?";
    rates: "SELECT provider, model, rate FROM rates WHERE team = ?";
    set_rate: "INSERT INTO rates (team, provider, model, rate) VALUES (?, ?, ?, ?)";

    // Registry: credentials. Their rows are written conditionally only.
    credential: "SELECT kind, id, team, agent, created_at, revoked_at, expires_at FROM credentials WHERE hash = ?";
    create_credential: "INSERT INTO credentials (hash, kind, id, team, agent, created_at, revoked_at, expires_at) \
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS";
    revoke_credential: "UPDATE credentials SET revoked_at = ? WHERE hash = ? IF revoked_at = null";
    expire_credential: "UPDATE credentials SET expires_at = ? WHERE hash = ? \
                        IF revoked_at = null AND expires_at = ?";
    credential_id: "SELECT hash FROM credential_ids WHERE kind = ? AND id = ?";
    claim_credential_id: "INSERT INTO credential_ids (kind, id, hash) VALUES (?, ?, ?) IF NOT EXISTS";
    release_credential_id: "DELETE FROM credential_ids WHERE kind = ? AND id = ? IF hash = ?";
    team_credentials: "SELECT id, hash FROM team_credentials WHERE team = ? AND kind = ?";
    enlist_credential: "INSERT INTO team_credentials (team, kind, id, hash) VALUES (?, ?, ?, ?)";
    key_label: "SELECT label FROM key_labels WHERE key = ?";
    save_key_label: "INSERT INTO key_labels (key, label) VALUES (?, ?)";
    token_agents: "SELECT slug, first_token_at FROM token_agents WHERE team = ?";
    save_token_agent: "INSERT INTO token_agents (team, slug, first_token_at) VALUES (?, ?, ?) USING TIMESTAMP ?";
}
