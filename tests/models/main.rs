//! The protocols of Tidegate's architecture as small models that a checker walks completely: each state that
//! any order of steps, deaths and delays can reach within the stated bounds is looked at.
//!
//! - [`admission`]: what `202` means. Claim, append, confirm or release.
//! - [`consuming`]: the store is a function of the log. Read, fold, write, commit, with a zombie consumer.
//! - [`commands`]: the same for commands, and a decision never changes. Book, facts, decide, write, commit.
//!
//! Each protocol is checked twice: with all its rules, where its properties hold, and with one rule switched off at
//! a time, where the checker must find the breach that the rule is there to prevent. The second kind shows that the
//! first kind can fail. `docs/protocol-models.md` has the table.

mod admission;
mod commands;
mod consuming;
mod exhaustive;
