//! Lists: the rows of some shards, newest first, of which one page is kept and all matches are counted.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_kernel::SmolStr;
use tidegate_ports::{Scan, ScanOrder};
use utoipa::ToSchema;

use crate::front_door::{FrontDoor, decoded};
use crate::parse::Page;
use crate::refusal::Refusal;

/// Rows read at once. Of them only those of the page are kept.
const BATCH: usize = 500;
/// Bytes of an answer with one page at most, roughly.
pub(crate) const PAGE_BYTES: usize = 1 << 20;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListPage<T> {
    pub data: Vec<T>,
    /// How many match.
    pub total: usize,
    pub limit: usize,
    pub offset: usize,
}

/// The rows of a page, and how many rows match.
pub(crate) struct Listed<T> {
    pub rows: Vec<(SmolStr, T)>,
    pub total: usize,
}

impl<T> ListPage<T> {
    pub fn of(data: Vec<T>, total: usize, page: Page) -> Self {
        ListPage { data, total, limit: page.limit, offset: page.offset }
    }

    /// The page of a list that is at hand as a whole.
    pub fn cut(all: Vec<T>, page: Page) -> Self {
        let total = all.len();
        ListPage::of(all.into_iter().skip(page.offset).take(page.limit).collect(), total, page)
    }
}

impl FrontDoor {
    /// One page of the rows that match, over all shards in turn.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        view: &'static str,
        shards: impl Iterator<Item = SmolStr>,
        page: Page,
        matches: impl Fn(&T) -> bool,
    ) -> Result<Listed<T>, Refusal> {
        let mut listed = Listed { rows: Vec::new(), total: 0 };
        for shard in shards {
            let mut after = None;
            loop {
                let scan = Scan { view, shard: shard.clone(), after, order: ScanOrder::Descending, limit: BATCH };
                let rows = self.ask(self.views.scan(&scan)).await?;
                let count = rows.len();
                after = rows.last().map(|row| row.row.clone());
                for row in rows {
                    let doc: T = decoded(&row.doc)?;
                    if !matches(&doc) {
                        continue;
                    }
                    if listed.total >= page.offset && listed.rows.len() < page.limit {
                        listed.rows.push((row.row, doc));
                    }
                    listed.total += 1;
                }
                if count < BATCH {
                    break;
                }
            }
        }
        Ok(listed)
    }
}
