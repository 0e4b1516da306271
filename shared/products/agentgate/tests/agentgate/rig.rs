//! One owner's log in memory: what is sent is judged at once, and what follows is stored.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::views::BalanceRow;
use tidegate_agentgate::{AgentGate, Answer, Book, Command, Grant, Owner, Refusal};
use tidegate_kernel::command::{
    Attempt, BookState, CommandDecision, CommandOutcome, Decider, Envelope, Fact, FactId, IdempotencyKey, Judged,
    Prior, RecordPlace, ViewKey, judge,
};
use tidegate_kernel::{Position, Timestamp};

use crate::samples::{KEY, ORG, WORKER_KEY, new_organization, put_key};

/// 2026-05-15T14:32:00Z.
pub const START_MS: i64 = 1_778_855_520_000;

pub type Judgement = Judged<AgentGate>;
pub type Sent = Envelope<AgentGate>;

#[derive(Clone)]
pub struct Rig {
    pub owner: Owner,
    pub now_ms: i64,
    pub offset: i64,
    pub state: BookState<Book>,
    pub facts: Vec<(FactId, Fact<AgentGate>)>,
    pub views: BTreeMap<ViewKey, Value>,
    pub deliveries: BTreeMap<String, Value>,
}

impl Rig {
    /// An owner without a book.
    pub fn empty(owner: Owner) -> Self {
        Rig {
            owner,
            now_ms: START_MS,
            offset: 0,
            state: BookState::default(),
            facts: Vec::new(),
            views: BTreeMap::new(),
            deliveries: BTreeMap::new(),
        }
    }

    /// An organization with credits, a client's key and a worker's.
    pub fn with_credits(included_cents: u64, purchased_cents: u64) -> Self {
        let mut rig = Rig::empty(Owner::Org(ORG));
        rig.accept(new_organization(included_cents, purchased_cents));
        rig.accept(put_key(KEY, KeyUse::Client));
        rig.accept(put_key(WORKER_KEY, KeyUse::Worker));
        rig
    }

    pub fn book(&self) -> &Book {
        &self.state.book
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms)
    }

    pub fn pass(&mut self, millis: i64) -> &mut Self {
        self.now_ms += millis;
        self
    }

    /// A request of this moment.
    pub fn envelope(&self, command: Command, key: Option<IdempotencyKey>) -> Sent {
        Envelope {
            rules: AgentGate::RULES,
            owner: self.owner,
            attempt: Some(Attempt::from_bits(0xa000 + self.offset as u128)),
            key,
            received_at: self.now(),
            command,
        }
    }

    /// Appends a record, by way of its bytes, and judges it.
    pub fn append(&mut self, envelope: &Sent, origin: Option<Position>) -> (Position, Judgement) {
        let position = Position { generation: 1, partition: 0, offset: self.offset };
        self.offset += 1;
        let envelope = Sent::decode(&envelope.encode()).expect("an envelope is read back");
        let named = |id: Option<FactId>| {
            let facts = self.facts.iter().filter(move |(name, _)| Some(*name) == id);
            facts.map(|(_, fact)| fact.clone()).collect::<Vec<_>>()
        };
        let attempt = named(envelope.attempt.map(FactId::Attempt));
        let key = named(envelope.key.map(|key| FactId::Key(key.hash)));
        let place = RecordPlace { position, appended_at: self.now(), origin };
        let judged = judge(&mut self.state, &envelope, place, Prior { attempt: &attempt, key: &key });
        if let Judged::Decided(decision) = &judged {
            self.store(&envelope, position, decision);
        }
        (position, judged)
    }

    fn store(&mut self, envelope: &Sent, position: Position, decision: &CommandDecision<AgentGate>) {
        for change in &decision.follow.views {
            match &change.doc {
                Some(doc) => {
                    let doc = serde_json::from_slice(doc).expect("a view's document is JSON");
                    self.views.insert(change.key.clone(), doc);
                }
                None => drop(self.views.remove(&change.key)),
            }
        }
        for delivery in &decision.follow.deliveries {
            let body = serde_json::from_slice(&delivery.body).expect("a delivery's body is JSON");
            let before = self.deliveries.insert(delivery.id.to_string(), body);
            assert_eq!(before, None, "two deliveries have one id");
        }
        assert!(decision.follow.effects.is_empty(), "nothing crosses to another owner");
        self.facts.extend(decision.facts(envelope, position));
    }

    pub fn send(&mut self, command: Command) -> CommandOutcome<AgentGate> {
        let envelope = self.envelope(command, None);
        self.send_envelope(&envelope)
    }

    pub fn send_envelope(&mut self, envelope: &Sent) -> CommandOutcome<AgentGate> {
        match self.append(envelope, None).1 {
            Judged::Decided(decision) => decision.outcome,
            judged => panic!("a new attempt is decided, and not {judged:?}"),
        }
    }

    #[track_caller]
    pub fn accept(&mut self, command: Command) -> Answer {
        match self.send(command.clone()) {
            CommandOutcome::Answered(answer) => answer,
            outcome => panic!("{command:?} is accepted, and not {outcome:?}"),
        }
    }

    #[track_caller]
    pub fn refuse(&mut self, command: Command) -> Refusal {
        match self.send(command.clone()) {
            CommandOutcome::Refused(refusal) => refusal,
            outcome => panic!("{command:?} is refused, and not {outcome:?}"),
        }
    }

    #[track_caller]
    pub fn grant(&mut self, command: Command) -> Grant {
        match self.accept(command) {
            Answer::Leased(grant) => grant,
            answer => panic!("a run is leased, and not {answer:?}"),
        }
    }

    #[track_caller]
    pub fn row<T: serde::de::DeserializeOwned>(&self, key: ViewKey) -> T {
        let row = self.views.get(&key).unwrap_or_else(|| panic!("there is a row {key:?}"));
        serde_json::from_value(row.clone()).unwrap_or_else(|error| panic!("{key:?}: {error}: {row}"))
    }

    pub fn balance(&self) -> BalanceRow {
        self.row(tidegate_agentgate::views::balance(ORG))
    }

    /// The rows of a view, in their order, with their shards.
    pub fn rows(&self, view: &str) -> Vec<(&ViewKey, &Value)> {
        self.views.iter().filter(|(key, _)| key.view == view).collect()
    }
}
