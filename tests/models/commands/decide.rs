//! What a consumer makes of the records that it has polled: `judge`, and what is to be written.

use std::collections::BTreeMap;

use tidegate_kernel::Position;
use tidegate_kernel::command::{Attempt, FactId, Judged, Prior, judge};

use super::log::{Record, known};
use super::partition::Consumer;
use super::purse::{BALANCE_ROW, number};
use super::rules::{Attempts, RowWrites, Rules, Write};
use super::store::{Book, CommandOutcome, Fact, FactName, Row, Store, position, value};

/// What decides what.
pub struct Task<'a> {
    pub rules: &'a Rules,
    pub log: &'a [Record],
    /// The record that the consumer skips.
    pub void: Option<u8>,
}

/// What the decisions about a batch are to write.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    pub rows: Vec<(usize, Row)>,
    pub facts: Vec<(FactName, Fact)>,
    pub effects: Vec<Record>,
    pub book: Book,
    pub book_changed: bool,
    pub up_to: u8,
}

impl Made {
    /// How many things a write stores one by one.
    pub fn things(&self, write: Write) -> usize {
        match write {
            Write::Views => self.rows.len(),
            Write::Facts => self.facts.len(),
            Write::Effects => self.effects.len(),
            Write::Book => usize::from(self.book_changed),
            Write::Account | Write::Offset => 1,
        }
    }
}

pub fn made(
    task: &Task<'_>,
    consumer: &Consumer,
    book: Book,
    stored: &BTreeMap<FactName, Fact>,
    store: &Store,
    up_to: u8,
) -> Made {
    let rules = task.rules;
    let mut state = book.state();
    if !rules.decides_by_book
        && let Some(balance) = store.rows.0[BALANCE_ROW].value
    {
        state.book.balance = balance;
    }
    if !rules.stands_at_unknown_books {
        // The release does not know better than its newest rules.
        state.rules = state.rules.min(tidegate_kernel::command::Rules::new(consumer.release));
    }
    let mut facts = stored.clone();
    let (mut changes, mut new_facts, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    for offset in consumer.next..up_to {
        if task.void == Some(offset) {
            continue;
        }
        let record = task.log[usize::from(offset)];
        let mut envelope = record.envelope();
        if !rules.records_name_rules {
            envelope.rules = tidegate_kernel::command::Rules::new(consumer.release);
        }
        let of_attempt = counted(rules, &facts, &record);
        let of_key = relabelled(rules, known(&facts, &record, false), offset);
        let prior = Prior { attempt: &relabelled(rules, of_attempt, offset), key: &of_key };
        let Judged::Decided(decision) = judge(&mut state, &envelope, record.place(offset), prior) else {
            continue;
        };
        for (id, fact) in decision.facts(&envelope, position(offset)) {
            let (name, mut fact) = ((id, offset), Fact::of(&fact));
            if !rules.repeats_name_effects && matches!(fact.outcome, CommandOutcome::Repeated(_)) {
                fact.effect = None;
            }
            facts.insert(name, fact);
            new_facts.push((name, fact));
        }
        let values = decision.follow.views.iter().map(|change| (number(&change.key), value(change.doc.as_deref())));
        changes.extend(values.map(|(row, value)| (row, Row { position: Some(offset), value })));
        let emitted = decision.follow.effects.iter().map(|effect| {
            Record::new(effect.owner, effect.attempt.bits() as u8, effect.command).at(record.received_at)
        });
        effects.extend(emitted);
    }
    let book_after = Book::of(&state);
    Made {
        rows: written(rules, &changes, up_to),
        facts: new_facts,
        effects,
        book: book_after,
        book_changed: book_after.decided_to != book.decided_to,
        up_to,
    }
}

/// The facts of the record's attempt that the decision looks at.
fn counted(
    rules: &Rules,
    facts: &BTreeMap<FactName, Fact>,
    record: &Record,
) -> Vec<tidegate_kernel::command::Fact<super::purse::Purse>> {
    let mut of_attempt = known(facts, record, true);
    match rules.attempts {
        Attempts::All => {}
        Attempts::Answered => {
            of_attempt.retain(|fact| matches!(CommandOutcome::of(&fact.outcome), CommandOutcome::Answered(_)))
        }
        Attempts::None => of_attempt.clear(),
    }
    of_attempt
}

/// Without the rule that a fact at the own position does not count, it is given as if it stood below everything.
fn relabelled(
    rules: &Rules,
    mut facts: Vec<tidegate_kernel::command::Fact<super::purse::Purse>>,
    offset: u8,
) -> Vec<tidegate_kernel::command::Fact<super::purse::Purse>> {
    if !rules.own_facts_do_not_count {
        for fact in facts.iter_mut().filter(|fact| fact.position == position(offset)) {
            fact.position = Position { generation: 0, ..fact.position };
        }
    }
    facts
}

fn written(rules: &Rules, changes: &[(usize, Row)], up_to: u8) -> Vec<(usize, Row)> {
    if rules.rows == RowWrites::EachChange {
        return changes.to_vec();
    }
    let mut net: BTreeMap<usize, Row> = changes.iter().copied().collect();
    if rules.rows == RowWrites::AtBatchEnd {
        net.values_mut().for_each(|row| row.position = Some(up_to - 1));
    }
    if rules.rows == RowWrites::NetWithoutOwnRemovals {
        let is_own =
            |row| changes.iter().find(|(changed, _)| *changed == row).is_some_and(|(_, row)| row.value.is_some());
        net.retain(|row, now| now.value.is_some() || !is_own(*row));
    }
    net.into_iter().collect()
}

/// The name of the fact of an attempt at an offset.
pub fn fact_of_attempt(attempt: u8, offset: u8) -> FactName {
    (FactId::Attempt(Attempt::from_bits(u128::from(attempt))), offset)
}
