//! Why a command or a service did not do its work: one type for the whole binary.

mod sources;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What a failure means: whether to change something, to wait, or to look for damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The arguments, or a setting, must be changed.
    Config,
    /// What was asked for cannot be done as things are: it is not there, or exists already, or belongs to another.
    Refused,
    /// A server or a resource is missing or too slow; the same attempt may succeed later.
    Unavailable,
    /// What was found is damaged, or not of this build.
    Broken,
}

/// What was attempted and the offending value; what to do about it, where the message does not say it; what it stems
/// from.
#[derive(Debug)]
pub struct Failure {
    class: FailureClass,
    message: String,
    hint: Option<Hint>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What to type or to set, and the punctuation that joins it to the message.
#[derive(Debug)]
struct Hint {
    joint: &'static str,
    text: String,
}

impl Failure {
    fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Failure { class, message: message.into(), hint: None, source: None }
    }

    /// An argument or a setting that cannot be worked with.
    pub fn config(message: impl Into<String>) -> Self {
        Failure::new(FailureClass::Config, message)
    }

    /// A condition that is not met.
    pub fn refused(message: impl Into<String>) -> Self {
        Failure::new(FailureClass::Refused, message)
    }

    /// Something that may be there, or fast enough, soon.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Failure::new(FailureClass::Unavailable, message)
    }

    /// Something that trying again does not repair.
    pub fn broken(message: impl Into<String>) -> Self {
        Failure::new(FailureClass::Broken, message)
    }

    /// With what to do about it after a colon: `there is no team 'x': ...`.
    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        self.joined(": ", text)
    }

    /// With what to do about it after a semicolon: `cannot listen on ...; choose another`.
    #[must_use]
    pub fn or_else(self, text: impl Into<String>) -> Self {
        self.joined("; ", text)
    }

    fn joined(mut self, joint: &'static str, text: impl Into<String>) -> Self {
        self.hint = Some(Hint { joint, text: text.into() });
        self
    }

    /// With the error that it stems from. The message must name the cause already: a source is not printed.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same class, with what was attempted around the text. What it was before is its source.
    #[must_use]
    pub fn in_words(self, text: impl FnOnce(&Failure) -> String) -> Self {
        Failure::new(self.class, text(&self)).caused_by(self)
    }

    /// Whether the same attempt may succeed later.
    pub fn may_pass(&self) -> bool {
        self.class == FailureClass::Unavailable
    }

    /// Every class exits with 1; 2 is the argument parser's, for a command line that it cannot read.
    pub fn exit_code(&self) -> ExitCode {
        match self.class {
            FailureClass::Config | FailureClass::Refused | FailureClass::Unavailable | FailureClass::Broken => {
                ExitCode::FAILURE
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(Hint { joint, text }) => write!(f, "{joint}{text}"),
            None => Ok(()),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_way_out_follows_the_message() {
        let failure = Failure::refused("there is no team 'x'").hint("`tidegate teams list` shows those there are");
        assert_eq!(failure.to_string(), "there is no team 'x': `tidegate teams list` shows those there are");
        let failure = Failure::unavailable("cannot listen on :80").or_else("free it or choose another");
        assert_eq!(failure.to_string(), "cannot listen on :80; free it or choose another");
        assert_eq!(Failure::broken("it is torn").to_string(), "it is torn");
    }

    #[test]
    fn other_words_keep_the_class_and_the_source() {
        let failure = Failure::unavailable("no brokers").caused_by(io::Error::from(io::ErrorKind::TimedOut));
        let failure = failure.in_words(|cause| format!("{cause}; gave up"));
        assert!(failure.may_pass());
        assert_eq!(failure.to_string(), "no brokers; gave up");
        let inner = failure.source().expect("the failure before");
        assert!(inner.source().is_some_and(|source| source.is::<io::Error>()));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (failure, may_pass) in [
            (Failure::config("x"), false),
            (Failure::refused("x"), false),
            (Failure::broken("x"), false),
            (Failure::unavailable("x"), true),
        ] {
            assert_eq!(failure.may_pass(), may_pass, "{failure:?}");
            assert_eq!(failure.exit_code(), ExitCode::FAILURE);
        }
    }
}
