//! Any commands at any times, by clocks that are behind, ahead or set back, with duplicates and repeats: the book does
//! what the model does, and what must always hold holds at every position.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, prop, proptest};
use serde_json::Value;
use tidegate_agentgate::command::{Command, PutOrganization};
use tidegate_agentgate::views::{
    self, OPEN_SHARDS, QUEUE, RUNS, RunRow, TRANSACTIONS, TransactionRow, TransactionType,
};
use tidegate_agentgate::{AgentGate, Answer, Book, RunErrorCode, RunStatus};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::{CommandOutcome, ContentFingerprint, Decider, IdempotencyKey, Judged, KeyHash, ViewKey};

use crate::acts::{Act, timed_act};
use crate::model::Model;
use crate::rig::{Judgement, Rig, Sent};
use crate::samples::{DAY, MINUTE, cancel, change, credit, finish, lease, order, progress, run_id, suspend};

/// The log so far, and what is known of it.
struct Run {
    rig: Rig,
    model: Model,
    submitted: u32,
    sent: Vec<(Sent, i64)>,
    /// By idempotency key: the content, the answer, and when it was decided.
    keyed: BTreeMap<u128, (ContentFingerprint, Answer, i64)>,
    /// Rows of ended runs.
    ended: BTreeMap<ViewKey, Value>,
}

impl Run {
    fn new() -> Self {
        let rig = Rig::with_credits(600, 200);
        let model = Model::new(rig.now_ms, 600, 200);
        Run { rig, model, submitted: 0, sent: Vec::new(), keyed: BTreeMap::new(), ended: BTreeMap::new() }
    }

    /// The leased runs come first, then those that are queued.
    fn number(&self, nth: u32) -> u32 {
        let runs = &self.rig.book().runs;
        let mut open: Vec<u32> = (1..=self.submitted).filter(|number| runs.contains_key(&run_id(*number))).collect();
        open.sort_by_key(|number| runs[&run_id(*number)].is_queued());
        open.get(nth as usize).copied().unwrap_or(self.submitted)
    }

    fn token(&self, number: u32, off: i8) -> u32 {
        let work = self.rig.book().runs.get(&run_id(number)).and_then(|run| run.work.as_ref());
        work.map_or(1, |work| work.grants).saturating_add_signed(off.into())
    }

    fn command(&mut self, act: &Act) -> (Command, Option<IdempotencyKey>) {
        let put = PutOrganization::default();
        let command = match *act {
            Act::Submit { iterations, price, key } => {
                self.submitted += 1;
                let mut order = order(self.submitted, iterations);
                order.cents_per_iteration = price;
                let fingerprint = ContentFingerprint(u128::from(iterations % 2));
                let key = key.map(|key| IdempotencyKey { hash: KeyHash(key.into()), fingerprint });
                return (Command::Submit(Box::new(order)), key);
            }
            Act::Cancel { nth } => cancel(self.number(nth)),
            Act::Lease { worker } => lease(worker),
            Act::Progress { nth, off, iterations } => {
                let number = self.number(nth);
                progress(number, self.token(number, off), iterations)
            }
            Act::Finish { nth, off, iterations, fails } => {
                let number = self.number(nth);
                let error_code = fails.then_some(RunErrorCode::VerificationFailed);
                finish(number, self.token(number, off), iterations, error_code)
            }
            Act::Credit { cents } => credit(self.sent.len() as u32, cents),
            Act::Included { cents } => change(PutOrganization { included_cents: Some(cents), ..put }),
            Act::Purchased { cents } => change(PutOrganization { purchased_cents: Some(cents), ..put }),
            Act::Concurrency { limit } => change(PutOrganization { concurrency: Some(limit), ..put }),
            Act::Suspend { suspended } => suspend(suspended),
            Act::Erase => Command::Erase {},
            Act::Tick | Act::Again { .. } => Command::Tick {},
        };
        (command, None)
    }

    fn act(&mut self, (wait, skew, act): &(i64, i64, Act)) {
        self.rig.now_ms += wait;
        if let Act::Again { back } = act
            && let Some((envelope, _)) = self.sent.iter().rev().nth(*back).cloned()
        {
            return self.again(&envelope);
        }
        let (command, key) = self.command(act);
        let received_at = self.rig.now().plus_millis(*skew);
        let envelope = Sent { received_at, ..self.rig.envelope(command, key) };
        let before = self.rig.book().clone();
        let outcome = self.judged(&envelope);
        self.sent.push((envelope.clone(), self.rig.now_ms));
        let (expected, is_decided) = self.expected(&envelope);
        assert_eq!(outcome, expected, "{act:?}");
        if is_decided {
            self.check_against_model();
            self.check_advance(&before);
        }
        if !matches!(outcome, CommandOutcome::Answered(_)) {
            let mut due = before;
            if is_decided {
                advance(&mut due, self.rig.state.now);
            }
            assert_eq!(*self.rig.book(), due, "a refusal changes nothing but what was due");
        }
        check_book(&self.rig);
        self.check_ended();
    }

    fn judged(&mut self, envelope: &Sent) -> CommandOutcome<AgentGate> {
        let (_, judged): (_, Judgement) = self.rig.append(envelope, None);
        match judged {
            Judged::Decided(decision) => decision.outcome,
            judged => panic!("a new attempt is decided, and not {judged:?}"),
        }
    }

    /// What the model says, and whether the command was decided: neither answered by its key's fact nor late.
    fn expected(&mut self, envelope: &Sent) -> (CommandOutcome<AgentGate>, bool) {
        let (received, appended) = (envelope.received_at.as_millis(), self.rig.now_ms);
        let now = self.model.time_of(received, appended);
        if let Some(key) = envelope.key
            && let Some((fingerprint, answer, at)) = self.keyed.get(&key.hash.0)
            && now - at < DAY
        {
            let is_same = *fingerprint == key.fingerprint;
            return (
                if is_same { CommandOutcome::Repeated(answer.clone()) } else { CommandOutcome::Mismatched },
                false,
            );
        }
        if Model::is_expired(&envelope.command, received, appended) {
            return (CommandOutcome::Expired, false);
        }
        self.model.pass(now);
        let outcome = match self.model.decide(&envelope.command, now) {
            Ok(answer) => {
                if let Some(key) = envelope.key {
                    self.keyed.insert(key.hash.0, (key.fingerprint, answer.clone(), now));
                }
                CommandOutcome::Answered(answer)
            }
            Err(refusal) => CommandOutcome::Refused(refusal),
        };
        (outcome, true)
    }

    fn again(&mut self, envelope: &Sent) {
        let (before, views) = (self.rig.state.clone(), self.rig.views.clone());
        let (position, judged) = self.rig.append(envelope, None);
        assert!(matches!(judged, Judged::Duplicate), "{judged:?}");
        let moved = tidegate_kernel::command::BookState { decided_to: Some(position), ..before };
        assert_eq!((&self.rig.state, &self.rig.views), (&moved, &views));
    }

    fn check_against_model(&self) {
        let (book, model) = (self.rig.book(), &self.model);
        let figures = (book.credits.included_cents, book.credits.purchased_cents, book.credits.charged_cents);
        assert_eq!(figures, (model.included, model.purchased, model.charged));
        assert_eq!(book.held_cents(), model.held());
        let open: Vec<_> = model.runs.iter().filter(|run| run.is_open()).map(|run| run.id).collect();
        assert_eq!(book.runs.keys().copied().collect::<Vec<_>>(), open, "an open run has one slot");
        for run in &model.runs {
            let row: RunRow = self.rig.row(views::run(run.id));
            assert_eq!((row.status, row.iterations), (run.status, run.iterations), "{}", run.id);
        }
        let mut queued: Vec<_> = model.runs.iter().filter(|run| run.is_queued() && !model.suspended).collect();
        queued.sort_by_key(|run| (run.created, run.id));
        let queued: Vec<_> = queued.into_iter().map(|run| run.id.to_string()).collect();
        let rows = self.rig.rows(QUEUE).into_iter().map(|(_, row)| row["run"].as_str().unwrap_or_default().to_owned());
        assert_eq!(rows.collect::<Vec<_>>(), queued);
        let open_shards: Vec<_> = self.rig.rows(OPEN_SHARDS).into_iter().map(|(_, row)| &row["queued"]).collect();
        assert_eq!(open_shards, if queued.is_empty() { vec![] } else { vec![queued.len()] });
    }

    /// To two instants one after the other is to the later one.
    fn check_advance(&self, before: &Book) {
        let now = self.rig.state.now;
        for later in [MINUTE, 45 * MINUTE, 100 * DAY] {
            let end = now.plus_millis(later);
            let (mut twice, mut once) = (before.clone(), before.clone());
            advance(&mut twice, now);
            advance(&mut twice, end);
            advance(&mut once, end);
            assert_eq!(twice, once, "{later} ms later");
            assert!(AgentGate::advance(AgentGate::RULES, &once, end).is_empty(), "{later} ms later, again");
        }
    }

    /// The rows of ended runs stay as they are.
    fn check_ended(&mut self) {
        for (key, row) in self.rig.rows(RUNS) {
            let is_ended = ["succeeded", "failed", "cancelled"].iter().any(|status| row["status"] == *status);
            if is_ended {
                let first = self.ended.entry(key.clone()).or_insert_with(|| row.clone());
                assert_eq!(first, row, "an ended run never changes");
            }
        }
    }

    /// The same log read by another decider, and then from its beginning.
    fn check_replay(self) {
        let mut other = Rig::with_credits(600, 200);
        let mut again = self.rig.clone();
        again.offset = other.offset;
        for (envelope, at) in &self.sent {
            (other.now_ms, again.now_ms) = (*at, *at);
            other.append(envelope, None);
            let (_, judged) = again.append(envelope, None);
            assert!(matches!(judged, Judged::Before), "{judged:?}");
        }
        assert_eq!((&other.state.book, &other.views), (&self.rig.state.book, &self.rig.views));
        assert_eq!((&again.state, &again.views), (&self.rig.state, &self.rig.views));
    }
}

fn advance(book: &mut Book, now: Timestamp) {
    for event in AgentGate::advance(AgentGate::RULES, book, now) {
        AgentGate::evolve(book, &event);
    }
}

/// What holds at every position.
fn check_book(rig: &Rig) {
    let (book, credits) = (rig.book(), &rig.book().credits);
    assert_eq!(credits.granted_cents, book.available_cents() + book.held_cents() + credits.charged_cents);
    assert_eq!(credits.granted_cents, credits.balance_cents() + credits.charged_cents);
    assert!(book.held_cents() <= credits.balance_cents());
    assert!(book.runs.len() <= Book::MAX_RUNS as usize);
    let balance = rig.balance();
    assert_eq!(
        (balance.included_cents, balance.purchased_cents, balance.held_cents, balance.open_runs as usize),
        (credits.included_cents, credits.purchased_cents, book.held_cents(), book.runs.len())
    );
    let transactions = rig.rows(TRANSACTIONS).into_iter();
    let rows: Vec<TransactionRow> =
        transactions.map(|(_, row)| serde_json::from_value(row.clone()).expect("a transaction")).collect();
    let deducted: u64 =
        rows.iter().filter(|row| row.kind == TransactionType::Deduction).map(|row| row.amount_cents).sum();
    assert_eq!(credits.charged_cents, deducted);
    assert!(AgentGate::due(book).is_none_or(|due| due > rig.state.now));
    for run in book.runs.values() {
        assert!(matches!(run.status(), RunStatus::Pending | RunStatus::Running));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_book_does_what_the_model_does(acts in prop::collection::vec(timed_act(), 1..60)) {
        let mut run = Run::new();
        for act in &acts {
            run.act(act);
        }
        run.check_replay();
    }

    #[test]
    fn an_erased_organization_holds_nothing_and_accepts_nothing(
        before in prop::collection::vec(timed_act(), 1..30),
        after in prop::collection::vec(timed_act(), 0..12),
    ) {
        let mut run = Run::new();
        for act in before.iter().chain([&(0, 0, Act::Erase)]).chain(&after) {
            run.act(act);
        }
        let book = run.rig.book();
        assert!(book.runs.is_empty() && book.keys.is_empty() && book.org.as_ref().is_some_and(|org| org.name.is_none()));
        run.check_replay();
    }
}
