//! Which files a folder holds: AgentPing's, or those of an API of commands.

use crate::sqlite::FileKind;

/// The records topic and its consumer groups.
pub const LOG: FileKind = FileKind { file_name: "log.db", application_id: 0x5447_4c31, page_bytes: 16 * 1024 };
/// Runs, events, listings.
pub const STORE: FileKind = FileKind { file_name: "store.db", application_id: 0x5447_5331, page_bytes: 8 * 1024 };
/// Teams, credentials, rates.
pub const REGISTRY: FileKind = FileKind { file_name: "registry.db", application_id: 0x5447_5231, page_bytes: 4 * 1024 };

/// Records of the log that could not be applied.
pub const DEAD_LETTERS: FileKind =
    FileKind { file_name: "dead_letters.db", application_id: 0x5447_4431, page_bytes: 4 * 1024 };

/// What teams set. A folder of an earlier build has none: it is made when it is opened.
pub const SETTINGS: FileKind = FileKind { file_name: "settings.db", application_id: 0x5447_4131, page_bytes: 4 * 1024 };
/// Rows that are derived and end by themselves. Like the settings, it is made when it is opened.
pub const ROWS: FileKind = FileKind { file_name: "rows.db", application_id: 0x5447_5731, page_bytes: 4 * 1024 };

/// Books, facts, views, due times and deliveries.
pub const COMMAND_STORE: FileKind =
    FileKind { file_name: "store.db", application_id: 0x5447_4331, page_bytes: 8 * 1024 };
/// Data keys of owners, void records and releases.
pub const KEYS: FileKind = FileKind { file_name: "keys.db", application_id: 0x5447_4b31, page_bytes: 4 * 1024 };
/// Commands of operators that are to be appended.
pub const INBOX: FileKind = FileKind { file_name: "inbox.db", application_id: 0x5447_4931, page_bytes: 4 * 1024 };

/// The API that a marker names by naming none.
pub(super) const AGENTPING: &str = "agentping";

/// What a folder is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents<'a> {
    pub api: &'a str,
    pub files: &'static [FileKind],
}

impl<'a> Contents<'a> {
    pub const RUNS: Contents<'static> = Contents { api: AGENTPING, files: &[LOG, STORE, REGISTRY, DEAD_LETTERS] };

    pub const fn commands(api: &'a str) -> Self {
        Contents { api, files: &[LOG, COMMAND_STORE, KEYS, INBOX] }
    }
}
