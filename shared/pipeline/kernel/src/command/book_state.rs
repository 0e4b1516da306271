//! A book with what the protocol keeps next to it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Rules;
use crate::{Position, Timestamp};

/// An owner's book as it was after the command at `decided_to`.
#[derive(Clone, Debug, PartialEq)]
pub struct BookState<B> {
    /// The greatest rules that a command of the owner was decided by.
    pub rules: Rules,
    /// The owner's time. It never goes back.
    pub now: Timestamp,
    /// The last command that was decided; `None`: none was.
    pub decided_to: Option<Position>,
    pub book: B,
}

/// A stored document that is no book of this product.
#[derive(Debug, thiserror::Error)]
#[error("the book decided to {decided_to} cannot be read: {source}")]
pub struct BookStateError {
    decided_to: Position,
    source: serde_json::Error,
}

#[derive(Serialize, Deserialize)]
struct Wire<B> {
    rules: Rules,
    now_ms: Timestamp,
    book: B,
}

impl<B: Default> Default for BookState<B> {
    fn default() -> Self {
        BookState { rules: Rules::FIRST, now: Timestamp::from_millis(0), decided_to: None, book: B::default() }
    }
}

impl<B> BookState<B> {
    /// Whether a release that knows rules up to `newest` can decide about this book. Where it cannot, its decider stands
    /// still, as it does at a command of rules that it does not know: the book's rules decide the commands after it, too.
    pub fn is_known_to(&self, newest: Rules) -> bool {
        self.rules <= newest
    }
}

impl<B: Serialize + DeserializeOwned> BookState<B> {
    /// The document that stores keep, without the position.
    ///
    /// # Panics
    /// If the product's book has no JSON form.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire { rules: self.rules, now_ms: self.now, book: &self.book };
        serde_json::to_vec(&wire).expect("a book is made of structs of texts and numbers, which have a JSON form")
    }

    /// # Errors
    /// [`BookStateError`].
    pub fn decode(decided_to: Position, doc: &[u8]) -> Result<Self, BookStateError> {
        let wire: Wire<B> = serde_json::from_slice(doc).map_err(|source| BookStateError { decided_to, source })?;
        Ok(BookState { rules: wire.rules, now: wire.now_ms, decided_to: Some(decided_to), book: wire.book })
    }
}
