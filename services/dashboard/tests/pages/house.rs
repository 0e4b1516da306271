//! A dashboard in this process, with what it stands on within reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tidegate_admission::{AdmissionConfig, Authenticator};
use tidegate_agentping::{Credential, CredentialHash, KeyAccess, KeyId, Plan, RunId, RunKey, TeamId, TokenId};
use tidegate_agentping_inproc::noted_accounts::MemoryNotedAccounts;
use tidegate_agentping_inproc::registry::MemoryRegistry;
use tidegate_agentping_inproc::runs::MemoryRuns;
use tidegate_agentping_ports::{KeyRow, Registry, RunQueries, StoredNames, Team, TokenRow};
pub use tidegate_agentping_testkit::{
    EventWith, FinishWith, IntoBody, NOON, StartWith, event, finish, heartbeat, persist, record, run_id, slug, start,
    team,
};
use tidegate_control::{Authenticate, Control, Management};
use tidegate_dashboard::{Dashboard, DashboardOptions, DashboardPorts, SessionCallers, SessionSecret, SignInLinks};
use tidegate_door::ServeOptions;
use tidegate_inproc::clock::TestClock;
use tidegate_inproc::documents::MemoryDocuments;
use tidegate_inproc::rows::MemoryRows;
use tidegate_kernel::{Position, Region};
use tidegate_ports::{Clock, RandomIds};
use tokio::net::TcpListener;

use crate::names_read::CountedNames;

pub const KEY_A: &str = "apk_eu_0000000000000000000000000000000a";
pub const KEY_B: &str = "apk_eu_0000000000000000000000000000000b";
/// Of the first team, for reading only.
pub const READ_KEY: &str = "apk_eu_0000000000000000000000000000000c";
pub const TOKEN_A: &str = "ping_eu_0000000000000000000000000000000a";
pub const INGEST: &str = "http://ingest.example:8080";

pub struct House {
    pub runs: MemoryRuns,
    pub registry: MemoryRegistry,
    /// What judges have found, as the API shows it.
    pub rows: Arc<MemoryRows>,
    pub clock: Arc<TestClock>,
    pub links: SignInLinks,
    pub key_a: KeyId,
    /// How often it was read what names of agents mean.
    pub names_read: Arc<AtomicUsize>,
    offset: AtomicI64,
    base: String,
    client: Client,
}

pub fn hash(credential: &str) -> CredentialHash {
    Credential::parse(credential).unwrap().hash()
}

impl House {
    /// Two teams, `acme` and `other co/2`, with a key each.
    pub async fn open() -> House {
        House::opened(None, false, None).await
    }

    /// On another store.
    pub async fn on(queries: impl RunQueries) -> House {
        House::opened(Some(Arc::new(queries)), false, None).await
    }

    pub async fn with_secure_cookies() -> House {
        House::opened(None, true, None).await
    }

    /// Whose pages ask another API, as far as it has routes.
    pub async fn with_api(api: Router) -> House {
        House::opened(None, false, Some(api)).await
    }

    async fn opened(queries: Option<Arc<dyn RunQueries>>, secure_cookies: bool, api: Option<Router>) -> House {
        let clock = Arc::new(TestClock::at(NOON));
        let registry = MemoryRegistry::default();
        let runs = MemoryRuns::new(registry.clone());
        let mut keys = Vec::new();
        for (number, name, key) in [(1, "acme", KEY_A), (2, "other co/2", KEY_B)] {
            let team = team(number);
            let row = Team { id: team, name: name.to_owned(), plan: Plan::Team, created_at: NOON, archived_at: None };
            registry.create_team(row).await.unwrap();
            let id = KeyId::mint(Region::Eu, NOON, &[number as u8; 10]);
            let row = KeyRow { id, team, access: KeyAccess::Full, created_at: NOON, revoked_at: None, label: None };
            registry.create_key(row, hash(key)).await.unwrap();
            keys.push(id);
        }
        let id = KeyId::mint(Region::Eu, NOON, &[8; 10]);
        let row =
            KeyRow { id, team: team(1), access: KeyAccess::Read, created_at: NOON, revoked_at: None, label: None };
        registry.create_key(row, hash(READ_KEY)).await.unwrap();
        let id = TokenId::mint(Region::Eu, NOON, &[9; 10]);
        let row = TokenRow {
            id,
            team: team(1),
            agent: slug("nightly"),
            created_at: NOON,
            revoked_at: None,
            expires_at: None,
        };
        registry.create_token(row, hash(TOKEN_A)).await.unwrap();
        let queries = queries.unwrap_or_else(|| Arc::new(runs.clone()));
        let callers =
            Arc::new(Authenticator::new(Arc::new(registry.clone()), clock.clone(), &AdmissionConfig::new(Region::Eu)));
        let links = SignInLinks::default();
        let accounts = Arc::new(MemoryNotedAccounts::default());
        let names_read: Arc<AtomicUsize> = Arc::default();
        let documents = MemoryDocuments::new(clock.clone());
        let documents = Arc::new(CountedNames { documents, read: names_read.clone() });
        let rows = Arc::new(MemoryRows::new(clock.clone()));
        let managed =
            Management::new(documents, rows.clone(), Arc::new(registry.clone()), clock.clone()).with_ingest_url(INGEST);
        let control = |callers: Arc<dyn Authenticate>| {
            let (queries, accounts) = (queries.clone(), accounts.clone());
            Control::new(queries, accounts, managed.clone(), callers, clock.clone(), Arc::new(RandomIds))
                .with_rename_wait(Duration::ZERO)
        };
        let ports = DashboardPorts {
            queries: queries.clone(),
            names: Arc::new(StoredNames::new(managed.documents.clone())),
            registry: Arc::new(registry.clone()),
            // The clock stands still, so the bucket of a team is not filled again.
            api: api.unwrap_or_else(|| {
                let sessions = Arc::new(SessionCallers(callers.clone()));
                control(sessions).with_managed_rate(500, 1_000).into_router()
            }),
            holders: callers.clone(),
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
        };
        let options = DashboardOptions {
            secret: SessionSecret::new([7; SessionSecret::BYTES]),
            ingest_url: INGEST.to_owned(),
            secure_cookies,
            store_deadline: Duration::from_secs(10),
            links: links.clone(),
        };
        let pages = Dashboard::new(ports, options).into_router();
        let control = control(callers).with_pages(pages);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(control.serve(listener, ServeOptions::default(), std::future::pending()));
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let (key_a, offset) = (keys[0], AtomicI64::new(0));
        House { runs, registry, rows, clock, links, key_a, names_read, offset, base, client }
    }

    /// Puts one record into the store, as the persister would: received now.
    pub async fn tell(&self, team: TeamId, run: RunId, body: impl IntoBody) {
        let record = record(RunKey { team, run }, self.clock.now(), body);
        let offset = self.offset.fetch_add(1, Ordering::SeqCst);
        persist(&self.runs, [(Position { generation: 0, partition: 0, offset }, record)]).await.unwrap();
    }

    /// The cookie of a session that this key began.
    pub async fn sign_in(&self, key: &str) -> String {
        let answer = self.post(None, "/login", &format!("key={key}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("/")), "{}", answer.text);
        answer.cookie()
    }

    /// A page as team A's browser gets it.
    pub async fn page(&self, path: &str) -> Answer {
        let cookie = self.sign_in(KEY_A).await;
        self.get(Some(&cookie), path).await
    }

    pub async fn get(&self, cookie: Option<&str>, path: &str) -> Answer {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn api(&self, path: &str) -> Answer {
        Answer::of(self.client.get(format!("{}{path}", self.base)).bearer_auth(KEY_A).send().await.unwrap()).await
    }

    pub async fn post(&self, cookie: Option<&str>, path: &str, form: &str) -> Answer {
        self.post_with(cookie, path, form, &[]).await
    }

    pub async fn post_with(&self, cookie: Option<&str>, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(format!("{}{path}", self.base)).body(form.to_owned());
        request = request.header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The text of a good page.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"));
        &self.text
    }

    #[track_caller]
    pub fn has(&self, texts: &[&str]) {
        let page = self.ok();
        for text in texts {
            assert!(page.contains(text), "'{text}' is not in\n{page}");
        }
    }

    #[track_caller]
    pub fn has_not(&self, texts: &[&str]) {
        let page = self.ok();
        for text in texts {
            assert!(!page.contains(text), "'{text}' is in\n{page}");
        }
    }

    /// The cookie that the answer sets, as the browser sends it back.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let set = self.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION).map(|value| value.to_str().unwrap())
    }

    /// What the page's forms carry.
    #[track_caller]
    pub fn csrf(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}
