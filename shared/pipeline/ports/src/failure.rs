//! The cause of a port's failure: a kind for retries, logs and metrics, a text for people, and the driver's error.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The kind of a failure. A closed set, so that it can be a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No answer within the time given. The operation may have been done.
    Timeout,
    /// The system answers but has no capacity now: queues are full, a limit is reached, it is still starting.
    Overloaded,
    /// The system cannot be reached: no connection, no leader, too few replicas, closed.
    Unreachable,
    /// The system answers and refuses, and a retry does not help: rights, syntax, sizes, a read-only server.
    Refused,
    /// The data is damaged or belongs to another deployment.
    Broken,
}

impl FailureKind {
    pub const ALL: [FailureKind; 5] = [
        FailureKind::Timeout,
        FailureKind::Overloaded,
        FailureKind::Unreachable,
        FailureKind::Refused,
        FailureKind::Broken,
    ];

    /// The name in logs (`kind=timeout`) and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            FailureKind::Timeout => "timeout",
            FailureKind::Overloaded => "overloaded",
            FailureKind::Unreachable => "unreachable",
            FailureKind::Refused => "refused",
            FailureKind::Broken => "broken",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The cause of a failure, as an adapter found it. Displays as its text; equal where kind and text are equal.
#[derive(Clone)]
pub struct FailureCause {
    /// The kind; `None` if the adapter only knows that no answer came, or if the surrounding error says everything.
    kind: Option<FailureKind>,
    text: Arc<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl FailureCause {
    /// `text` says what was attempted and what came back. It must not contain a secret.
    pub fn new(kind: FailureKind, text: impl Into<Arc<str>>) -> Self {
        FailureCause { kind: Some(kind), text: text.into(), source: None }
    }

    pub fn timeout(text: impl Into<Arc<str>>) -> Self {
        FailureCause::new(FailureKind::Timeout, text)
    }

    pub fn overloaded(text: impl Into<Arc<str>>) -> Self {
        FailureCause::new(FailureKind::Overloaded, text)
    }

    pub fn unreachable(text: impl Into<Arc<str>>) -> Self {
        FailureCause::new(FailureKind::Unreachable, text)
    }

    pub fn refused(text: impl Into<Arc<str>>) -> Self {
        FailureCause::new(FailureKind::Refused, text)
    }

    /// Adds the underlying error, for [`Error::source`].
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// A cause with the same kind and source and the text that the function makes of this text.
    #[must_use]
    pub fn in_words(mut self, text: impl FnOnce(&str) -> String) -> Self {
        self.text = text(&self.text).into();
        self
    }

    /// The kind; [`FailureKind::Unreachable`] where nothing else is known.
    pub const fn kind(&self) -> FailureKind {
        match self.kind {
            Some(kind) => kind,
            None => FailureKind::Unreachable,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A cause with only a text.
impl From<String> for FailureCause {
    fn from(text: String) -> Self {
        FailureCause { kind: None, text: text.into(), source: None }
    }
}

/// A cause with only a text.
impl From<&str> for FailureCause {
    fn from(text: &str) -> Self {
        FailureCause { kind: None, text: text.into(), source: None }
    }
}

impl Deref for FailureCause {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{kind}: {:?}", self.text),
            None => write!(f, "{:?}", self.text),
        }
    }
}

impl PartialEq for FailureCause {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.text == other.text
    }
}

impl Eq for FailureCause {}

impl Error for FailureCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{AppendError, LogError, StoreError};

    #[test]
    fn the_words_of_kinds_are_distinct() {
        let words: std::collections::HashSet<_> = FailureKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(words.len(), FailureKind::ALL.len());
    }

    #[test]
    fn a_cause_keeps_its_source_and_its_kind_in_other_words() {
        let cause = FailureCause::timeout("no answer").caused_by(io::Error::from(io::ErrorKind::TimedOut));
        let cause = cause.in_words(|text| format!("reading lag: {text}"));
        assert_eq!((cause.kind(), cause.as_str()), (FailureKind::Timeout, "reading lag: no answer"));
        let source = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::TimedOut));
        assert_eq!(cause, FailureCause::timeout("reading lag: no answer"), "equal by kind and text");
        assert_ne!(cause, FailureCause::overloaded("reading lag: no answer"));
    }

    #[test]
    fn a_port_error_says_its_kind_whatever_its_cause_was_made_of() {
        let late = || FailureCause::timeout("late");
        assert_eq!(StoreError::Unavailable(late()).kind(), FailureKind::Timeout);
        assert_eq!(StoreError::Broken("torn".into()).kind(), FailureKind::Broken);
        assert_eq!(StoreError::Refused("large".into()).kind(), FailureKind::Refused);
        assert_eq!(LogError::Unavailable(late()).kind(), FailureKind::Timeout);
        assert_eq!(LogError::Broken("torn".into()).kind(), FailureKind::Broken);
        assert_eq!(AppendError::NotPersisted("no leader".into()).kind(), FailureKind::Unreachable);
        assert_eq!(AppendError::Unknown(late()).kind(), FailureKind::Timeout);
        assert_eq!(AppendError::TooLarge { bytes: 2, cap: 1 }.kind(), FailureKind::Refused);
    }

    #[test]
    fn the_source_of_a_port_error_leads_to_the_driver() {
        let error = StoreError::Unavailable(FailureCause::unreachable("down").caused_by(io::Error::other("disk 3")));
        let cause = error.source().expect("the cause");
        assert!(cause.source().is_some_and(|driver| driver.is::<io::Error>()));
        assert_eq!(error.to_string(), "the store is unavailable: down");
    }
}
