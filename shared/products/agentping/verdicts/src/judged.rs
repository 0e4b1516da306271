//! How far everything is judged: one row, written with each turn of the judge.

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;
use tidegate_ports::{Meeting, RowKey, RowTable, RowWrite, Rows, StoreError};

use crate::document::{rank, read, written};

/// The table of that row.
pub static JUDGED: RowTable = RowTable { name: "judged", keep_days: 400, meeting: Meeting::HigherRank };

/// How far everything is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedDoc {
    /// The watermark: up to then everything that was appended has been applied and judged.
    #[serde(rename = "until_ms")]
    pub until: Timestamp,
}

impl JudgedDoc {
    pub fn row(&self) -> RowWrite {
        RowWrite { key: key(), rank: rank(self.until, 0), doc: Some(written(self)) }
    }

    /// `None`: no judge has ever run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(rows: &dyn Rows) -> Result<Option<JudgedDoc>, StoreError> {
        let found = rows.get(&[key()]).await?.into_iter().next().flatten();
        Ok(found.and_then(|doc| read(JUDGED.name, "judged", &doc)))
    }
}

fn key() -> RowKey {
    RowKey { table: &JUDGED, shard: "judged".into(), row: "until".into() }
}
