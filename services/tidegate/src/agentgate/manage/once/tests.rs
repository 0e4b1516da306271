//! Credits and balances that an operator gives again, decided on ports in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use clap::Parser;
use tidegate_agentgate::Book;
use tidegate_commands::sealing::{DeploymentKey, Sealer};
use tidegate_inproc::deliveries::MemoryDeliveries;
use tidegate_inproc::facts::MemoryFacts;
use tidegate_inproc::owner_keys::MemoryOwnerKeys;
use tidegate_inproc::views::MemoryViews;
use tidegate_kernel::Position;
use tidegate_kernel::command::{BookState, Envelope, Judged, Prior, RecordPlace, judge};
use tidegate_ports::{Facts, Ids, RandomIds, StoredFact, SystemClock, ViewWrite, Views};
use tokio::sync::Mutex;

use super::*;
use crate::agentgate::manage::{Decide, orgs};
use crate::cli::{self, AgentGateCommand, Cli, OrgSettings};
use crate::console::Console;

/// Decides each command as it comes.
#[derive(Default)]
struct Deciding {
    views: MemoryViews,
    facts: MemoryFacts,
    books: Mutex<BTreeMap<Owner, BookState<Book>>>,
    offset: AtomicI64,
    /// The operator learns nothing of what is decided.
    loses: AtomicBool,
}

#[async_trait]
impl Decide for Deciding {
    async fn decide(&self, envelope: Envelope<AgentGate>) -> Result<CommandOutcome<AgentGate>, Failure> {
        let owner = envelope.owner.log_key();
        let position = Position { generation: 1, partition: 0, offset: self.offset.fetch_add(1, Ordering::SeqCst) };
        let mut key: Vec<Fact<AgentGate>> = Vec::new();
        if let Some(named) = envelope.key {
            let found = self.facts.find(&[FactName { owner, id: FactId::Key(named.hash) }]).await?;
            key.extend(
                found.into_iter().flatten().map(|fact| Fact::<AgentGate>::decode(fact.position, &fact.doc).unwrap()),
            );
        }
        let mut books = self.books.lock().await;
        let state = books.entry(envelope.owner).or_default();
        let place = RecordPlace { position, appended_at: envelope.received_at, origin: None };
        let Judged::Decided(decision) = judge(state, &envelope, place, Prior { attempt: &[], key: &key }) else {
            panic!("a new command is decided")
        };
        let mut rows = BTreeMap::new();
        for change in &decision.follow.views {
            rows.insert(change.key.clone(), ViewWrite { change: change.clone(), position });
        }
        self.views.put(Arc::new(rows.into_values().collect())).await?;
        let facts = decision.facts(&envelope, position).into_iter().map(|(id, fact)| StoredFact {
            name: FactName { owner, id },
            position,
            doc: fact.encode(),
            expires_at: None,
        });
        self.facts.add(Arc::new(facts.collect())).await?;
        match self.loses.load(Ordering::SeqCst) {
            true => Err(Failure::unavailable("it was not decided in time").or_else("are deciders running?")),
            false => Ok(decision.outcome),
        }
    }
}

struct World {
    deciding: Arc<Deciding>,
    sealer: Sealer,
}

impl World {
    fn new() -> Self {
        let key = DeploymentKey::new([7; DeploymentKey::BYTES]);
        let sealer = Sealer::new(Arc::new(MemoryOwnerKeys::default()), key, Arc::new(RandomIds));
        World { deciding: Arc::default(), sealer }
    }

    fn office(&self) -> Office {
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        Office {
            commands: self.deciding.clone(),
            views: Arc::new(self.deciding.views.clone()),
            facts: Arc::new(self.deciding.facts.clone()),
            deliveries: Arc::new(MemoryDeliveries::default()),
            sealer: self.sealer.clone(),
            clock: Arc::new(SystemClock),
            ids,
            console: Console::to(std::io::sink()),
            json: false,
        }
    }

    async fn organization(&self) -> OrgId {
        orgs::create(&self.office(), "acme", &OrgSettings::default()).await.unwrap()
    }

    /// Runs a command line of `orgs`.
    async fn run(&self, line: &str) -> Result<(), Failure> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let cli::Command::AgentGate(AgentGateCommand::Orgs(command)) = cli.command else {
            panic!("{line} is no command of orgs")
        };
        orgs::run(self.office(), command).await
    }

    async fn purchased_cents(&self, org: OrgId) -> u64 {
        self.office().balance(org).await.unwrap().purchased_cents
    }
}

/// The command line that a failure names.
fn printed(failure: &Failure) -> String {
    let text = failure.to_string();
    let (_, line) = text.split_once('`').unwrap_or_else(|| panic!("no command line: {text}"));
    line.trim_end_matches('`').to_owned()
}

#[tokio::test]
async fn a_credit_whose_decision_was_not_learnt_is_repeated_by_the_line_that_is_printed() {
    let world = World::new();
    let org = world.organization().await;
    world.deciding.loses.store(true, Ordering::SeqCst);
    let line = format!("tidegate agentgate orgs credit {org} --cents 500");
    let failure = world.run(&format!("{line} --data /tmp/folder --json")).await.unwrap_err();
    assert!(failure.may_pass(), "{failure}");
    let again = printed(&failure);
    assert!(again.starts_with(&format!("{line} --idempotency-key ")), "{again}");
    assert!(again.ends_with(" --data /tmp/folder --json"), "{again}");
    // It names the same line for as long as nothing is learnt.
    assert_eq!(printed(&world.run(&again).await.unwrap_err()), again);
    world.deciding.loses.store(false, Ordering::SeqCst);
    world.run(&again).await.unwrap();
    assert_eq!(world.purchased_cents(org).await, 500);
    // Without the key it is another credit.
    world.run(&line).await.unwrap();
    assert_eq!(world.purchased_cents(org).await, 1_000);
}

#[tokio::test]
async fn a_balance_that_was_set_is_not_set_again() {
    let world = World::new();
    let org = world.organization().await;
    let set = format!("tidegate agentgate orgs set {org} --purchased-cents 500 --billing ok --idempotency-key top-up");
    world.run(&set).await.unwrap();
    world.run(&format!("tidegate agentgate orgs credit {org} --cents 30")).await.unwrap();
    world.run(&set).await.unwrap();
    assert_eq!(world.purchased_cents(org).await, 530);
}

#[tokio::test]
async fn a_key_names_one_command_of_one_organization() {
    let world = World::new();
    let (org, other) = (world.organization().await, world.organization().await);
    let credit = |org: OrgId, cents: u64| {
        format!("tidegate agentgate orgs credit {org} --cents {cents} --idempotency-key invoice-4711")
    };
    world.run(&credit(org, 500)).await.unwrap();
    let set = format!("tidegate agentgate orgs set {org} --purchased-cents 500 --idempotency-key invoice-4711");
    for line in [credit(org, 501), set] {
        let refused = world.run(&line).await.unwrap_err();
        assert!(refused.to_string().starts_with("the key 'invoice-4711' names another command"), "{refused}");
    }
    let refused = world.run(&credit(other, 500)).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("names a command of '{org}'")), "{refused}");
    assert_eq!((world.purchased_cents(org).await, world.purchased_cents(other).await), (500, 0));
}

#[tokio::test]
async fn a_key_whose_command_was_refused_is_free() {
    let world = World::new();
    let org = world.organization().await;
    let credit = |cents: u64| format!("tidegate agentgate orgs credit {org} --cents {cents} --idempotency-key again");
    world.run(&format!("tidegate agentgate orgs set {org} --purchased-cents 1000000000000")).await.unwrap();
    let refused = world.run(&credit(1)).await.unwrap_err();
    assert!(refused.to_string().contains("at most") && !refused.may_pass(), "{refused}");
    world.run(&format!("tidegate agentgate orgs set {org} --purchased-cents 0")).await.unwrap();
    world.run(&credit(2)).await.unwrap();
    assert_eq!(world.purchased_cents(org).await, 2);
}

#[test]
fn a_key_needs_no_quotes_and_a_path_gets_them() {
    for key in ["-x", "a b", "a'b", "$HOME", "é", ""] {
        let words = ["tidegate", "agentgate", "orgs", "credit", "org_1", "--cents", "5", "--idempotency-key", key];
        assert!(Cli::try_parse_from(words).is_err(), "{key}");
    }
    assert_eq!(quoted("/srv/tide-gate_1.d"), "/srv/tide-gate_1.d");
    assert_eq!(quoted("it's here"), r"'it'\''s here'");
}
