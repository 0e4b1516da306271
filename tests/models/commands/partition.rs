//! One partition: what is stored of it, and the consumers that have it or had it.

use std::collections::BTreeMap;

use tidegate_kernel::command::VoidState;

use super::decide::{Made, Task, made};
use super::log::Record;
use super::rules::{Bounds, Rules, Write};
use super::store::{Book, Fact, FactName, Row, Store};

/// What a consumer does with the records that it has polled.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    None,
    /// It has the book and will read the facts and decide up to this offset.
    HasBook {
        book: Book,
        up_to: u8,
    },
    /// It has the facts and will read the book and decide: only without the rule that forbids it.
    HasFacts {
        facts: BTreeMap<FactName, Fact>,
        up_to: u8,
    },
    /// It has decided. `done` of its writes are done.
    Writing {
        made: Box<Made>,
        done: usize,
    },
}

/// What is known of the record that an operator may set aside; `None`: it was never asked to be void.
pub type Void = Option<VoidState>;

/// One consumer process. Sorted first by the epoch it believes in, which two never share but when it is none.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    /// The assignment it believes to have; 0 is none.
    pub epoch: u8,
    /// The newest rules that its release knows.
    pub release: u16,
    /// What it has read of the voids; `None`: it has not.
    pub sees: Option<Void>,
    /// The offset to poll next.
    pub next: u8,
    /// The book as it left it.
    pub memory: Option<Book>,
    pub work: Work,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct Partition {
    /// Sorted.
    pub consumers: Vec<Consumer>,
    /// The group's present assignment.
    pub epoch: u8,
    /// The group's committed offset: the next one to read.
    pub committed: u8,
    /// The highest offset ever committed.
    pub promised: u8,
    pub store: Store,
}

/// One step of a consumer, which is named by its number in the sorted state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Polls up to this offset and reads the book, or has it in memory.
    Poll(usize, u8),
    /// Reads the facts and decides.
    Decide(usize),
    /// One of the things that the next write has to store is stored; the write itself is not over.
    Store(usize, usize),
    /// The next write is done and its completion is known.
    Write(usize),
}

impl Partition {
    pub fn new(consumers: usize) -> Partition {
        let idle = Consumer { epoch: 0, release: 1, sees: None, next: 0, memory: None, work: Work::None };
        Partition { consumers: vec![idle; consumers], epoch: 0, committed: 0, promised: 0, store: Store::default() }
    }

    /// Whether this consumer does what the one before it in the order does.
    pub fn is_twin(&self, c: usize) -> bool {
        c > 0 && self.consumers[c - 1] == self.consumers[c]
    }

    /// To whom the partition may be assigned. A crash is a zombie that does nothing more, so a consumer that had the
    /// partition needs no second assignment, except to show what becomes of its memory.
    pub fn assignable(&self, rules: &Rules) -> Vec<usize> {
        let fresh = |c: &usize| self.consumers[*c].epoch == 0 || !rules.memory_ends_with_assignment;
        (0..self.consumers.len()).filter(|c| !self.is_twin(*c)).filter(fresh).collect()
    }

    /// The group assigns the partition to this consumer under a new epoch. What it was doing ends.
    pub fn assign(&mut self, c: usize, release: u16, rules: &Rules) {
        self.epoch += 1;
        let memory = self.consumers[c].memory.filter(|_| !rules.memory_ends_with_assignment);
        let next = self.committed;
        self.consumers[c] = Consumer { epoch: self.epoch, release, sees: None, next, memory, work: Work::None };
    }

    /// What the consumer can do next with a log of this many records.
    pub fn steps_of(&self, c: usize, log: usize, bounds: Bounds, rules: &Rules) -> Vec<Step> {
        let consumer = &self.consumers[c];
        match &consumer.work {
            Work::None if consumer.epoch == 0 => Vec::new(),
            Work::None => {
                let first = usize::from(consumer.next) + 1;
                (first..=log.min(first + bounds.max_poll - 1)).map(|up_to| Step::Poll(c, up_to as u8)).collect()
            }
            // The rules are counted from 1 by the release, and from 0 by the book.
            Work::HasBook { book, .. } if rules.stands_at_unknown_books && book.later_rules >= consumer.release => {
                Vec::new()
            }
            Work::HasBook { .. } | Work::HasFacts { .. } => vec![Step::Decide(c)],
            Work::Writing { made, done } => {
                let things = made.things(rules.writes[*done]);
                let partly = if things > 1 && bounds.partial_writes { 0..things } else { 0..0 };
                partly.map(|thing| Step::Store(c, thing)).chain([Step::Write(c)]).collect()
            }
        }
    }

    /// Takes a step. Returns the effects that it emits.
    pub fn take(&mut self, step: Step, task: &Task<'_>) -> Vec<Record> {
        match step {
            Step::Poll(c, up_to) => {
                let consumer = &mut self.consumers[c];
                consumer.work = if task.rules.book_before_facts {
                    Work::HasBook { book: consumer.memory.unwrap_or(self.store.book), up_to }
                } else {
                    Work::HasFacts { facts: self.store.facts.clone(), up_to }
                };
            }
            Step::Decide(c) => {
                let consumer = &self.consumers[c];
                let made = match &consumer.work {
                    Work::HasBook { book, up_to } => {
                        made(task, consumer, *book, &self.store.facts, &self.store, *up_to)
                    }
                    Work::HasFacts { facts, up_to } => {
                        let book = consumer.memory.unwrap_or(self.store.book);
                        made(task, consumer, book, facts, &self.store, *up_to)
                    }
                    Work::None | Work::Writing { .. } => return Vec::new(),
                };
                self.consumers[c].work = Work::Writing { made: Box::new(made), done: 0 };
                self.skip_idle_writes(c, task.rules);
            }
            Step::Store(c, thing) => return self.store_one(c, thing, task.rules),
            Step::Write(c) => {
                let Work::Writing { made, done } = &self.consumers[c].work else {
                    return Vec::new();
                };
                let (things, done) = (made.things(task.rules.writes[*done]), *done);
                let emitted = (0..things).flat_map(|thing| self.store_one(c, thing, task.rules)).collect();
                if let Work::Writing { done: now_done, .. } = &mut self.consumers[c].work {
                    *now_done = done + 1;
                }
                self.skip_idle_writes(c, task.rules);
                return emitted;
            }
        }
        Vec::new()
    }

    /// Goes on behind writes that have nothing to store; behind the last one to the next poll.
    fn skip_idle_writes(&mut self, c: usize, rules: &Rules) {
        let consumer = &mut self.consumers[c];
        let Work::Writing { made, done } = &mut consumer.work else {
            return;
        };
        // The broker refuses the commit of a former epoch.
        let is_idle = |write| made.things(write) == 0 || (write == Write::Offset && consumer.epoch != self.epoch);
        while *done < rules.writes.len() && is_idle(rules.writes[*done]) {
            *done += 1;
        }
        if *done == rules.writes.len() {
            consumer.next = made.up_to;
            consumer.memory = Some(made.book);
            consumer.work = Work::None;
        }
    }

    fn store_one(&mut self, c: usize, thing: usize, rules: &Rules) -> Vec<Record> {
        let Work::Writing { made, done } = &self.consumers[c].work else {
            return Vec::new();
        };
        let store = &mut self.store;
        match rules.writes[*done] {
            Write::Views => {
                let (row, written) = made.rows[thing];
                if !rules.timestamps_are_positions {
                    store.rows.0[row] = Row::default();
                }
                store.put_row(row, written);
            }
            Write::Facts => {
                let (name, fact) = made.facts[thing];
                if !rules.facts_are_insert_only {
                    let newer = store.facts.range((name.0, name.1 + 1)..=(name.0, u8::MAX)).next().is_some();
                    if newer {
                        return Vec::new();
                    }
                    store.facts.retain(|(id, _), _| *id != name.0);
                }
                store.put_fact(name, fact);
            }
            Write::Effects => return vec![made.effects[thing]],
            Write::Book => {
                if !rules.timestamps_are_positions {
                    store.book = Book::default();
                }
                store.put_book(made.book);
            }
            Write::Account => store.account = store.account.max(made.up_to),
            Write::Offset if self.consumers[c].epoch == self.epoch => {
                self.committed = made.up_to;
                self.promised = self.promised.max(self.committed);
            }
            Write::Offset => {} // refused: it lost the partition just now
        }
        Vec::new()
    }

    /// States that differ only in the order of consumers are one state.
    pub fn put_in_order(&mut self) {
        self.consumers.sort();
    }
}
