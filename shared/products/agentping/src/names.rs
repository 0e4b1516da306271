//! Names of agents that were renamed.
//!
//! Everything that is stored of an agent has its **key**: the slug that it was first known by. A rename changes no key and
//! nothing that is stored. It changes which key a name means: front doors put the key of the name on the log, readers show
//! the name of the key. So an agent's runs, slots, sums, incidents and tokens are its own under every name, and its id,
//! which follows from its key, stays.
//!
//! The old name then means a key that no agent has had. A name that was a deleted agent's, and is given to another one,
//! leaves the deleted one with a name that no client can send.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidegate_kernel::Timestamp;

use crate::Slug;

/// One rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rename {
    pub from: Slug,
    pub to: Slug,
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
}

/// Which keys the names of a team's agents mean. A name or key that no rename was about is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentNames {
    /// By name.
    keys: HashMap<Slug, Slug>,
    /// By key. The two are each other's inverse.
    names: HashMap<Slug, Slug>,
    /// The names that each key had before.
    former: HashMap<Slug, Vec<Slug>>,
    /// By name: the key that it was taken from last.
    left: HashMap<Slug, Slug>,
}

/// Cannot be seen, so no client may send a name with it: what has it is of our making.
const OURS: char = '\u{2063}';
/// Characters of a name that are kept in what is made of it.
const KEPT_CHARS: usize = 96;

impl AgentNames {
    /// What the renames of a team come to, the first one first.
    pub fn of(renames: &[Rename]) -> Self {
        let mut names = AgentNames::default();
        for (number, rename) in (1..).zip(renames) {
            names.rename(number, &rename.from, &rename.to);
        }
        names
    }

    fn rename(&mut self, number: usize, from: &Slug, to: &Slug) {
        if from == to {
            return;
        }
        let (moved, displaced) = (self.key(from).clone(), self.key(to).clone());
        self.former.entry(displaced.clone()).or_default().push(to.clone());
        self.bind(to.clone(), moved.clone());
        self.bind(made_of(to, &format!(" (former {number})"), ""), displaced);
        self.bind(from.clone(), made_of(from, "", &number.to_string()));
        self.former.entry(moved.clone()).or_default().push(from.clone());
        self.left.insert(from.clone(), moved);
    }

    fn bind(&mut self, name: Slug, key: Slug) {
        self.keys.insert(name.clone(), key.clone());
        self.names.insert(key, name);
    }

    /// The key that a name means.
    pub fn key<'n>(&'n self, name: &'n Slug) -> &'n Slug {
        self.keys.get(name).unwrap_or(name)
    }

    /// The name of a key.
    pub fn name<'n>(&'n self, key: &'n Slug) -> &'n Slug {
        self.names.get(key).unwrap_or(key)
    }

    /// [`AgentNames::key`] of a text; one that is no slug is its own key.
    pub fn key_of_text<'n>(&'n self, name: &'n str) -> &'n str {
        match Slug::parse(name) {
            Ok(slug) => self.keys.get(&slug).map_or(name, Slug::as_str),
            Err(_) => name,
        }
    }

    /// [`AgentNames::name`] of a text.
    pub fn name_of_text<'n>(&'n self, key: &'n str) -> &'n str {
        match Slug::parse(key) {
            Ok(slug) => self.names.get(&slug).map_or(key, Slug::as_str),
            Err(_) => key,
        }
    }

    /// Whether the agent with this key has, or has had, this name.
    pub fn is_known_as(&self, key: &Slug, name: &Slug) -> bool {
        let former = self.former.get(key).into_iter().flatten();
        self.key(name).is_same_agent(key) || former.into_iter().any(|before| before.is_same_agent(name))
    }

    /// The name that the agent has now which had this one last; `None`: no agent was renamed from it, or it has it again.
    pub fn renamed_to(&self, name: &Slug) -> Option<&Slug> {
        let now = self.name(self.left.get(name)?);
        (now != name).then_some(now)
    }

    /// Whether an agent was renamed from this name, whoever has it now.
    pub fn was_left(&self, name: &Slug) -> bool {
        self.left.contains_key(name)
    }

    /// Whether no agent was renamed.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name that the agent which has `name` now has once another one is given it, after so many renames of the team.
    pub fn displaced(name: &Slug, renames_before: usize) -> Slug {
        made_of(name, &format!(" (former {})", renames_before + 1), "")
    }
}

/// A slug that no client can send and that no other rename makes. It fits: a slug has up to 128 characters.
fn made_of(slug: &Slug, word: &str, number: &str) -> Slug {
    let kept: String = slug.as_str().chars().take(KEPT_CHARS).collect();
    Slug::parse(&format!("{kept}{word}{OURS}{number}")).unwrap_or_else(|_| slug.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(text: &str) -> Slug {
        Slug::parse(text).unwrap()
    }

    fn after(renames: &[(&str, &str)]) -> AgentNames {
        let rename = |(from, to): &(&str, &str)| Rename { from: slug(from), to: slug(to), at: Timestamp::FIRST };
        AgentNames::of(&renames.iter().map(rename).collect::<Vec<_>>())
    }

    /// The name of the agent that was first known as this.
    fn now(names: &AgentNames, key: &str) -> String {
        names.name(&slug(key)).to_string()
    }

    fn key(names: &AgentNames, name: &str) -> String {
        names.key(&slug(name)).to_string()
    }

    /// AC-77: the old name is free, and no agent has had the key that it means then.
    #[test]
    fn a_rename_moves_the_key_and_leaves_a_new_one() {
        let names = after(&[("a", "b")]);
        assert_eq!((now(&names, "a"), key(&names, "b")), ("b".into(), "a".into()));
        let fresh = key(&names, "a");
        assert_ne!(fresh, "a");
        assert_eq!(now(&names, &fresh), "a");
        assert!(Slug::sent(&fresh).is_err(), "no client can name it");
        assert_eq!(key(&names, "c"), "c", "others are as they were");
        assert_eq!(names.renamed_to(&slug("a")), Some(&slug("b")));
        assert_eq!(names.renamed_to(&slug("b")), None);
    }

    /// AC-77: chains, back again, and two that change places.
    #[test]
    fn chains_returns_and_swaps() {
        let chain = after(&[("a", "b"), ("b", "c")]);
        assert_eq!((now(&chain, "a"), key(&chain, "c")), ("c".into(), "a".into()));
        assert_eq!((chain.renamed_to(&slug("a")), chain.renamed_to(&slug("b"))), (Some(&slug("c")), Some(&slug("c"))));
        let (one, two) = (key(&chain, "a"), key(&chain, "b"));
        assert!(one != two && one != "a" && two != "b");

        let back = after(&[("a", "b"), ("b", "a")]);
        assert_eq!((now(&back, "a"), key(&back, "a")), ("a".into(), "a".into()));
        assert_eq!(back.renamed_to(&slug("a")), None);

        let swap = after(&[("a", "t"), ("b", "a"), ("t", "b")]);
        assert_eq!((now(&swap, "a"), now(&swap, "b")), ("b".into(), "a".into()));
        assert_eq!((key(&swap, "a"), key(&swap, "b")), ("b".into(), "a".into()));
    }

    /// AC-77: whoever had the name before keeps its runs under a name of its own.
    #[test]
    fn who_had_the_name_before_has_another() {
        let names = after(&[("a", "b")]);
        let former = names.name(&slug("b")).clone();
        assert_eq!(former, AgentNames::displaced(&slug("b"), 0));
        assert!(former.as_str().starts_with("b (former 1)") && Slug::sent(former.as_str()).is_err());
        assert_eq!(names.key(&former), &slug("b"));
        assert!(names.is_known_as(&slug("b"), &slug("b")), "its tokens report for it as before");
        // A new agent of the old name, deleted, and the first one named so again.
        let names = after(&[("a", "b"), ("b", "a")]);
        assert_eq!(now(&names, "a"), "a");
    }

    #[test]
    fn tokens_know_the_names_that_their_agent_had() {
        let names = after(&[("a", "b"), ("b", "c")]);
        let known = |key: &str, name: &str| names.is_known_as(&slug(key), &slug(name));
        assert!(known("a", "a") && known("a", "b") && known("a", "c") && known("a", " a"));
        assert!(!known("a", "d"));
        let fresh = key(&names, "a");
        assert!(known(&fresh, "a") && !known(&fresh, "b"));
    }

    #[test]
    fn long_names_fit() {
        let long = "ä".repeat(Slug::MAX_CHARS);
        let names = after(&[(&long, "b"), ("c", &long)]);
        assert_eq!(key(&names, &long), "c");
        let renames: Vec<String> = (0..300).map(|n| format!("{n}")).collect();
        let pairs: Vec<(&str, &str)> = renames.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        assert_eq!(now(&after(&pairs), "0"), "299");
    }

    proptest::proptest! {
        /// However often agents are renamed, no two have one name, and each name means the key that has it.
        #[test]
        fn names_and_keys_are_one_to_one(steps in proptest::collection::vec((0_u8..5, 0_u8..5), 0..20)) {
            let word = |n: u8| slug(&char::from(b'a' + n).to_string());
            let renames: Vec<Rename> =
                steps.iter().map(|(from, to)| Rename { from: word(*from), to: word(*to), at: Timestamp::FIRST }).collect();
            let names = AgentNames::of(&renames);
            for n in 0..5 {
                let word = word(n);
                proptest::prop_assert_eq!(names.name(names.key(&word)), &word);
                proptest::prop_assert_eq!(names.key(names.name(&word)), &word);
            }
            for (key, name) in &names.names {
                proptest::prop_assert_eq!(names.key(name), key);
            }
        }
    }
}
