//! Every statement that the ports of a command API send.

use crate::accounts::AccountStatements;
use crate::statement::statements;

statements! {
    /// The statements of a command API's tables.
    CommandStatements with accounts: AccountStatements;

    book: "SELECT doc, decided_to FROM books WHERE owner = ?";
    save_book: "UPDATE books USING TIMESTAMP ? SET doc = ?, decided_to = ? WHERE owner = ?";

    facts: "SELECT generation, log_partition, log_offset, doc, expires_at FROM facts WHERE owner = ? AND fact = ?";
    add_fact: "INSERT INTO facts (owner, fact, generation, log_partition, log_offset, doc, expires_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?";

    view_row: "SELECT doc, is_removed FROM views WHERE view_name = ? AND shard = ? AND row_name = ?";
    save_view_row: "UPDATE views USING TIMESTAMP ? SET doc = ?, is_removed = ? \
                    WHERE view_name = ? AND shard = ? AND row_name = ?";
    scan_up: "SELECT row_name, doc, is_removed FROM views WHERE view_name = ? AND shard = ?";
    scan_up_after: "SELECT row_name, doc, is_removed FROM views WHERE view_name = ? AND shard = ? AND row_name > ?";
    scan_down: "SELECT row_name, doc, is_removed FROM views WHERE view_name = ? AND shard = ? ORDER BY row_name DESC";
    scan_down_after: "SELECT row_name, doc, is_removed FROM views \
                      WHERE view_name = ? AND shard = ? AND row_name < ? ORDER BY row_name DESC";

    due: "SELECT owner, due_at FROM due WHERE shard = ?";
    save_due: "UPDATE due USING TIMESTAMP ? SET due_at = ? WHERE shard = ? AND owner = ?";

    deliveries: "SELECT delivery, owner, body FROM deliveries WHERE shard = ? AND delivery > ?";
    named_deliveries: "SELECT delivery, owner, body FROM deliveries WHERE shard = ? AND delivery IN ?";
    save_delivery: "INSERT INTO deliveries (shard, delivery, owner, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    delivery_progress: "SELECT delivery, progress FROM delivery_progress \
                        WHERE shard = ? AND delivery >= ? AND delivery <= ?";
    named_delivery_progress: "SELECT delivery, progress FROM delivery_progress WHERE shard = ? AND delivery IN ?";
    all_delivery_progress: "SELECT delivery, progress, WRITETIME(progress) FROM delivery_progress WHERE shard = ?";
    save_delivery_progress: "INSERT INTO delivery_progress (shard, delivery, progress) VALUES (?, ?, ?) \
                             USING TIMESTAMP ?";

    owner_keys: "SELECT owner, wrapped FROM owner_keys";
    owner_key: "SELECT wrapped FROM owner_keys WHERE owner = ?";
    save_owner_key: "UPDATE owner_keys USING TIMESTAMP ? SET wrapped = ? WHERE owner = ?";

    voids: "SELECT generation, log_partition, log_offset, reason, voided_at FROM voids WHERE lane = 0";
    add_void: "INSERT INTO voids (lane, generation, log_partition, log_offset, reason, voided_at) \
               VALUES (0, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    void_requests: "SELECT generation, log_partition, log_offset, state, ask_round, reason, asked_at \
                    FROM void_requests WHERE lane = 0";
    ask_for_void: "INSERT INTO void_requests \
                   (lane, generation, log_partition, log_offset, state, ask_round, reason, asked_at) \
                   VALUES (0, ?, ?, ?, 'asked', 1, ?, ?) IF NOT EXISTS";
    ask_again: "UPDATE void_requests SET state = 'asked', ask_round = ? \
                WHERE lane = 0 AND generation = ? AND log_partition = ? AND log_offset = ? \
                IF state = 'withdrawn' AND ask_round = ?";
    settle_void: "UPDATE void_requests SET state = ? \
                  WHERE lane = 0 AND generation = ? AND log_partition = ? AND log_offset = ? \
                  IF state = 'asked' AND ask_round = ?";

    releases: "SELECT release_name, format, rules, seen_at FROM releases WHERE lane = 0";
    register_release: "INSERT INTO releases (lane, release_name, format, rules, seen_at) VALUES (0, ?, ?, ?, ?) \
                       USING TIMESTAMP ?";
    inabilities: "SELECT generation, log_partition, log_offset, release_name, format, rules FROM inabilities \
                  WHERE lane = 0";
    state_inability: "INSERT INTO inabilities \
                      (lane, generation, log_partition, log_offset, release_name, format, rules) \
                      VALUES (0, ?, ?, ?, ?, ?, ?)";
}
