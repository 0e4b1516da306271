//! Which names have answered lately, and which have not answered in time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How the last look-up of a name went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameState {
    /// In time.
    Answers,
    /// Not in time.
    Hanging,
}

/// For how long a name is remembered.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Names that are remembered, at most.
const MOST: usize = 10_000;

/// The names that were looked up lately.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, (NameState, Instant)>);

impl Names {
    /// `None`: it was not looked up lately.
    pub fn state(&self, name: &str, now: Instant) -> Option<NameState> {
        let (state, at) = self.0.get(name)?;
        (now.duration_since(*at) < REMEMBERED).then_some(*state)
    }

    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub fn set(&mut self, name: &str, state: NameState, now: Instant) {
        if self.0.len() >= MOST && !self.0.contains_key(name) {
            self.0.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
            if self.0.len() >= MOST {
                // Only how soon a name is looked up depends on it.
                self.0.clear();
            }
        }
        self.0.insert(name.to_owned(), (state, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_is_remembered_for_an_hour_and_not_too_many_are() {
        let (mut names, now) = (Names::default(), Instant::now());
        names.set("a.test", NameState::Hanging, now);
        assert_eq!(names.state("a.test", now + REMEMBERED / 2), Some(NameState::Hanging));
        assert_eq!(names.state("a.test", now + REMEMBERED), None);
        names.set("a.test", NameState::Answers, now);
        assert_eq!(names.state("a.test", now), Some(NameState::Answers));
        names.forget("a.test");
        assert_eq!(names.state("a.test", now), None);
        for number in 0..3 * MOST {
            names.set(&format!("{number}.test"), NameState::Answers, now);
            assert!(names.0.len() <= MOST);
        }
    }
}
