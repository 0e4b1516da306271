//! What a product brings to a replay: where its log is, its filters, what a dry run foresees.

use std::fmt::Display;

use serde_json::Value;
use tidegate_ports::StoreError;
use tidegate_replay::{Candidate, Choose};
use tidegate_shedding::ShedThresholds;

use super::counts::{CountKinds, Counts};
use super::opened::Opened;
use crate::cli::ReplayArgs;
use crate::config::Config;
use crate::failure::Failure;

/// A product whose records are replayed.
pub trait Product: Sized {
    type Kinds: CountKinds;
    type Filters: Clone + Display;
    type Choose: Choose<Counts = Counts<Self::Kinds>>;
    type Foresee: Foresee<<Self::Choose as Choose>::Record>;

    /// Opens what the configuration names. A dry run applies nothing.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    async fn open(config: &Config, dry_run: bool) -> Result<Opened<Self>, Failure>;

    /// Where its front doors shed: a replay waits then.
    fn thresholds(config: &Config) -> ShedThresholds;

    /// The filters that the arguments name.
    ///
    /// # Errors
    /// One of them is none of this product's, or names what is not there.
    async fn filters(&self, args: &ReplayArgs) -> Result<Self::Filters, Failure>;

    fn choose(&self, filters: &Self::Filters) -> Self::Choose;

    fn foresee(&self) -> Self::Foresee;
}

/// Says what chosen records would do, and writes nothing.
pub trait Foresee<R> {
    type Loaded;

    /// Reads what the store has of them.
    ///
    /// # Errors
    /// [`StoreError`]; loading again is right.
    async fn load(&self, chosen: &[Candidate<R>]) -> Result<Self::Loaded, StoreError>;

    /// Takes them in, in the order of the replay.
    fn take(&mut self, chosen: Vec<Candidate<R>>, loaded: Self::Loaded);

    /// What all of them would do. `passed_over` of the others cannot be decoded.
    fn foreseen(&self, passed_over: u64) -> Foreseen;
}

/// What a dry run says in addition to its counts.
#[derive(Debug)]
pub struct Foreseen {
    /// An object: members of the report.
    pub json: Value,
    /// For people.
    pub lines: Vec<String>,
}
