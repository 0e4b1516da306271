//! A double of log and decider: each command is judged as it is submitted, on the ports in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_agentgate::{AgentGate, Book, Owner};
use tidegate_agentgate_api::{CommandClass, SubmitCommand};
use tidegate_commands::SubmitRefusal;
use tidegate_inproc::books::MemoryBooks;
use tidegate_inproc::facts::MemoryFacts;
use tidegate_inproc::views::MemoryViews;
use tidegate_kernel::command::{
    BookState, CommandOutcome, Decider, Envelope, Fact, FactId, IdempotencyKey, Judged, OwnerId, Prior, RecordPlace,
    judge,
};
use tidegate_kernel::{Position, Timestamp};
use tidegate_ports::{
    BookWrite, Books, Clock, FactName, Facts, StoreError, StoredBook, StoredFact, SystemClock, ViewWrite, Views,
};
use tidegate_shedding::{ShedCause, ShedRefusal};
use tokio::sync::Mutex;

/// Decides in the order of submission.
#[derive(Clone, Default)]
pub struct Deciding {
    books: MemoryBooks,
    facts: MemoryFacts,
    pub views: MemoryViews,
    offset: Arc<AtomicI64>,
    /// Whoever holds it keeps commands from being decided.
    pub one_at_a_time: Arc<Mutex<()>>,
    /// Commands that came from the front door.
    pub submitted: Arc<AtomicUsize>,
    /// Whose commands are shed, as where their partition is halted.
    pub sheds: Arc<std::sync::Mutex<Option<Owner>>>,
    /// The classes of commands that the front door asked about, and of those that it submitted.
    pub asked: Arc<std::sync::Mutex<Vec<CommandClass>>>,
    pub submitted_as: Arc<std::sync::Mutex<Vec<CommandClass>>>,
    /// What is refused next, instead of deciding.
    pub refuses: Arc<std::sync::Mutex<Option<SubmitRefusal<CommandClass>>>>,
    /// What is decided next, whatever the command.
    pub outcome: Arc<std::sync::Mutex<Option<CommandOutcome<AgentGate>>>>,
}

impl Deciding {
    /// The outcome of a command of any sender.
    pub async fn decide(&self, envelope: Envelope<AgentGate>) -> CommandOutcome<AgentGate> {
        let _alone = self.one_at_a_time.lock().await;
        let owner = envelope.owner.log_key();
        let position = Position { generation: 1, partition: 0, offset: self.offset.fetch_add(1, Ordering::SeqCst) };
        let stored = self.books.load(&[owner]).await.unwrap().remove(0);
        let mut state: BookState<Book> =
            stored.map_or_else(BookState::default, |stored| BookState::decode(stored.decided_to, &stored.doc).unwrap());
        let key = match envelope.key {
            Some(key) => self.of(FactName { owner, id: FactId::Key(key.hash) }).await,
            None => Vec::new(),
        };
        let place = RecordPlace { position, appended_at: SystemClock.now(), origin: None };
        let Judged::Decided(decision) = judge(&mut state, &envelope, place, Prior { attempt: &[], key: &key }) else {
            panic!("a new command is decided")
        };
        // Each row is written once, as its last value.
        let mut rows = BTreeMap::new();
        for change in &decision.follow.views {
            rows.insert(change.key.clone(), ViewWrite { change: change.clone(), position });
        }
        self.views.put(Arc::new(rows.into_values().collect())).await.unwrap();
        let facts = decision.facts(&envelope, position).into_iter().map(|(id, fact)| StoredFact {
            name: FactName { owner, id },
            position,
            doc: fact.encode(),
            expires_at: None,
        });
        self.facts.add(Arc::new(facts.collect())).await.unwrap();
        let book = StoredBook { doc: state.encode(), decided_to: position };
        self.books.save(Arc::new(vec![BookWrite { owner, book }])).await.unwrap();
        decision.outcome
    }

    async fn of(&self, name: FactName) -> Vec<Fact<AgentGate>> {
        let found = self.facts.find(&[name]).await.unwrap().remove(0);
        found.into_iter().map(|fact| Fact::decode(fact.position, &fact.doc).unwrap()).collect()
    }
}

#[async_trait]
impl SubmitCommand for Deciding {
    fn sheds(&self, owner: Owner, class: CommandClass) -> Result<(), ShedRefusal<CommandClass>> {
        self.asked.lock().unwrap().push(class);
        match *self.sheds.lock().unwrap() == Some(owner) {
            true => Err(ShedRefusal { class, cause: ShedCause::PartitionHalted, retry_after_s: 5 }),
            false => Ok(()),
        }
    }

    async fn submit(
        &self,
        envelope: Envelope<AgentGate>,
        class: CommandClass,
        _: Duration,
    ) -> Result<CommandOutcome<AgentGate>, SubmitRefusal<CommandClass>> {
        self.submitted_as.lock().unwrap().push(class);
        self.submitted.fetch_add(1, Ordering::SeqCst);
        if let Some(refusal) = self.refuses.lock().unwrap().clone() {
            return Err(refusal);
        }
        if let Some(outcome) = self.outcome.lock().unwrap().clone() {
            return Ok(outcome);
        }
        Ok(self.decide(envelope).await)
    }

    async fn find_key(
        &self,
        owner: Owner,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Option<CommandOutcome<AgentGate>>, StoreError> {
        let facts = self.of(FactName { owner: owner.log_key(), id: FactId::Key(key.hash) }).await;
        let fresh = |fact: &Fact<AgentGate>| {
            now.as_millis() - fact.decided_at.as_millis() < <AgentGate as Decider>::KEY_WINDOW_MS
        };
        Ok(facts.into_iter().rfind(fresh).map(|fact| match fact.outcome {
            CommandOutcome::Answered(answer) if fact.fingerprint == Some(key.fingerprint) => {
                CommandOutcome::Repeated(answer)
            }
            _ => CommandOutcome::Mismatched,
        }))
    }
}
