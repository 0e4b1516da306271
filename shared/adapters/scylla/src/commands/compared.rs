//! The tables by which two keyspaces of a command API are compared, with the write timestamps that their rows have from the
//! positions of commands.
//!
//! `owner_keys`, `voids`, `void_requests`, `releases` and `inabilities` follow from no log. `accounts` and `halts` depend on where each keyspace's first decider started,
//! and `delivery_progress` is the sender's.

use crate::compared_table::{ComparedTable, RowEnd, up};

pub(super) const TABLES: &[ComparedTable] = &[
    ComparedTable {
        name: "books",
        table: "books",
        partition: "owner",
        key: &[up("owner")],
        cells: &["doc", "decided_to", "WRITETIME(doc)", "WRITETIME(decided_to)"],
        rows_per_page: 50,
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "facts",
        table: "facts",
        partition: "owner, fact",
        key: &[up("owner"), up("fact"), up("generation"), up("log_partition"), up("log_offset")],
        cells: &["doc", "expires_at", "WRITETIME(doc)"],
        end: RowEnd::At("expires_at"),
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "views",
        table: "views",
        partition: "view_name, shard",
        key: &[up("view_name"), up("shard"), up("row_name")],
        cells: &["doc", "is_removed", "WRITETIME(doc)", "WRITETIME(is_removed)"],
        rows_per_page: 200,
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "due",
        table: "due",
        partition: "shard",
        key: &[up("shard"), up("owner")],
        cells: &["due_at", "WRITETIME(due_at)"],
        ..ComparedTable::USUAL
    },
    ComparedTable {
        name: "deliveries",
        table: "deliveries",
        partition: "shard",
        key: &[up("shard"), up("delivery")],
        cells: &["owner", "body", "WRITETIME(body)"],
        rows_per_page: 200,
        end: RowEnd::Sometime,
        ..ComparedTable::USUAL
    },
];
