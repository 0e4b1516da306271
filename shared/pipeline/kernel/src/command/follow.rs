//! What follows from a decision, apart from the change of the book.

use serde::Serialize;
use smol_str::SmolStr;

use super::{Attempt, Decider};

/// The name of one row that reads are answered from. The product chooses views, shards and rows; a row is written by
/// one owner only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewKey {
    pub view: &'static str,
    /// Rows of a shard are stored and scanned together. The product bounds their number.
    pub shard: SmolStr,
    /// Rows of a shard are ordered by this text, byte by byte.
    pub row: SmolStr,
}

/// A view row as it is from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewChange {
    pub key: ViewKey,
    /// JSON; `None`: the row is removed.
    pub doc: Option<Vec<u8>>,
}

/// A message to a receiver outside, sent at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Derived from its cause: deciding the same again gives the same.
    pub id: SmolStr,
    /// JSON.
    pub body: Vec<u8>,
}

/// A command to another owner. It is unconditional: its decision cannot be a refusal. Effects emit no effects.
#[derive(Clone, Debug)]
pub struct Effect<D: Decider> {
    pub owner: D::Owner,
    /// Made from its cause ([`Attempt::of_effect`]).
    pub attempt: Attempt,
    pub command: D::Command,
}

/// What follows from the events of one decision, in their order.
#[derive(Clone, Debug)]
pub struct Follow<D: Decider> {
    pub views: Vec<ViewChange>,
    pub deliveries: Vec<Delivery>,
    pub effects: Vec<Effect<D>>,
}

impl<D: Decider> Default for Follow<D> {
    fn default() -> Self {
        Follow { views: Vec::new(), deliveries: Vec::new(), effects: Vec::new() }
    }
}

impl<D: Decider> Follow<D> {
    /// Writes a row as JSON.
    ///
    /// # Panics
    /// If the document has no JSON form: a map with keys that are no texts.
    pub fn put(&mut self, key: ViewKey, doc: &impl Serialize) {
        self.views.push(ViewChange { key, doc: Some(json(doc)) });
    }

    pub fn remove(&mut self, key: ViewKey) {
        self.views.push(ViewChange { key, doc: None });
    }

    /// Sends a body as JSON.
    ///
    /// # Panics
    /// As [`Follow::put`].
    pub fn deliver(&mut self, id: impl Into<SmolStr>, body: &impl Serialize) {
        self.deliveries.push(Delivery { id: id.into(), body: json(body) });
    }
}

fn json(doc: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(doc).expect("documents are structs of texts and numbers, which have a JSON form")
}
