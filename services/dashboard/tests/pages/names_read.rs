//! What names of agents mean is looked up once for a page, however much the page asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use reqwest::StatusCode;
use tidegate_agentping_ports::NamesDoc;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Document, DocumentList, DocumentWrite, Documents, StoreError, Written};

use crate::house::*;

/// Documents that count how often names were read.
pub struct CountedNames {
    pub documents: MemoryDocuments,
    pub read: Arc<AtomicUsize>,
}

#[async_trait]
impl Documents for CountedNames {
    async fn get(&self, space: &str, kind: &str, name: &str) -> Result<Option<Document>, StoreError> {
        if kind == NamesDoc::KIND {
            self.read.fetch_add(1, Ordering::SeqCst);
        }
        self.documents.get(space, kind, name).await
    }
    async fn list(&self, list: &DocumentList<'_>) -> Result<Vec<Document>, StoreError> {
        self.documents.list(list).await
    }
    async fn write(&self, space: &str, writes: &[DocumentWrite], now: Timestamp) -> Result<Written, StoreError> {
        self.documents.write(space, writes, now).await
    }
    async fn changed_since(&self, since: Timestamp) -> Result<Vec<SmolStr>, StoreError> {
        self.documents.changed_since(since).await
    }
    async fn spaces(&self) -> Result<Vec<SmolStr>, StoreError> {
        self.documents.spaces().await
    }
    async fn purge_documents(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.documents.purge_documents(now, limit).await
    }
}

/// The next page finds a rename.
#[tokio::test]
async fn a_page_looks_names_up_once() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly")).await;
    let cookie = house.sign_in(KEY_A).await;
    let get = async |path: &str| {
        let before = house.names_read.load(Ordering::SeqCst);
        let page = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        assert_eq!(house.names_read.load(Ordering::SeqCst) - before, 1, "{path}");
        page
    };
    let run = format!("/runs/{}", run_id(1));
    for path in ["", "/agents", "/runs", &run, "/spend", "/quotas"] {
        get(path).await.has(&["Sign out"]);
    }
    let csrf = get("/agents/nightly").await.csrf();
    let form = format!("csrf={csrf}&to=hourly");
    let renamed = house.post(Some(&cookie), "/teams/acme/agents/nightly/rename", &form).await;
    assert_eq!(renamed.location(), Some("/teams/acme/agents/hourly"));
    get("/agents/hourly").await.has(&[&run_id(1).to_string()]);
    let moved = get("/agents/nightly").await;
    assert_eq!((moved.status, moved.location()), (StatusCode::SEE_OTHER, Some("/teams/acme/agents/hourly")));
}
