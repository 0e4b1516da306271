//! What a product says about its commands.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Follow, Rules};
use crate::{LogKey, Timestamp};

/// Whose state a command changes. All commands of an owner are in one partition, in the order of their appends. Its
/// text is the text of its log key.
pub trait OwnerId:
    Copy + Eq + Ord + Hash + Debug + Display + FromStr + Serialize + DeserializeOwned + Send + Sync + 'static
{
    fn log_key(&self) -> LogKey;
}

/// Who sent a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandSource {
    /// A client or a worker, who waits for the answer. A command of theirs that reaches the log late is refused.
    Client,
    Operator,
    /// A decision about another owner.
    Effect,
    /// The consumer of the partition: time has passed.
    Tick,
}

/// What a product's commands do to its books. Every function is pure: it reads no clock, no configuration, no random
/// number, and no view. What a function does under rules that a record names never changes; other behaviour is a new
/// version of the [`Rules`]. The type itself has no values of interest: derive what is asked of it.
pub trait Decider: Copy + Debug + Eq + Send + Sync + 'static {
    type Owner: OwnerId;
    /// All that decisions about one owner depend on. Bounded: what is closed leaves it.
    type Book: Clone + Default + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;
    type Command: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// A change of a book.
    type Event: Clone + Debug + Send + Sync + 'static;
    /// What an accepted command answers.
    type Answer: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why a command is refused.
    type Refusal: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The API's name: a label of metrics and a part of names.
    const API: &'static str;

    /// The newest rules that this release knows.
    const RULES: Rules;

    /// For how long an idempotency key is remembered, in milliseconds of the owner's time.
    const KEY_WINDOW_MS: i64;

    fn source(command: &Self::Command) -> CommandSource;

    /// The command that says that time has passed.
    fn tick() -> Self::Command;

    /// What is due by `now`, in the order of due times, each at its own due time, ties by id.
    fn advance(rules: Rules, book: &Self::Book, now: Timestamp) -> Vec<Self::Event>;

    /// # Errors
    /// Why the command is refused. A refusal changes nothing.
    #[allow(clippy::type_complexity, reason = "a pair of two of the trait's types: a name for it would hide them")]
    fn decide(
        rules: Rules,
        book: &Self::Book,
        command: &Self::Command,
        now: Timestamp,
    ) -> Result<(Vec<Self::Event>, Self::Answer), Self::Refusal>;

    /// Changes the book. Total: no event is refused.
    fn evolve(book: &mut Self::Book, event: &Self::Event);

    /// What follows from an event, with the book as it is after it: view rows, deliveries, and commands to other owners.
    fn follow(owner: Self::Owner, book: &Self::Book, event: &Self::Event, follow: &mut Follow<Self>);

    /// When the next change of the book is due; `None`: no change is.
    fn due(book: &Self::Book) -> Option<Timestamp>;
}
