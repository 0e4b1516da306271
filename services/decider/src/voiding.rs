//! Setting one record aside: ask, read which releases could decide it, settle. In this order, and it may end between any
//! two steps: the same again goes on.

use tidegate_kernel::Position;
use tidegate_kernel::command::{Demands, Release, VoidState, could_decide};
use tidegate_ports::{Consumed, Releases, StoreError, VoidRequest, Voids};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voided {
    pub state: VoidState,
    /// The releases that could decide the record, or have decided it.
    pub could_decide: Vec<Release>,
}

/// Why nothing is known of a request that was made.
#[derive(Debug, thiserror::Error)]
pub enum VoidError {
    /// The record may be asked to be void now, and its partition waits: run it again.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no decider has registered: one of this release must have read the log before a record is set aside")]
    NoRelease,
}

/// Who could decide a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deciders {
    /// The releases that have registered.
    Registered,
    /// None: every decider is stopped, and the store is rebuilt before one starts, or has nothing of the record.
    Stopped,
}

/// Asks for a record to be void, and settles that. What is in force already stays so.
///
/// # Errors
/// [`VoidError`].
pub async fn set_aside(
    voids: &dyn Voids,
    releases: &dyn Releases,
    request: VoidRequest,
    record: &Consumed,
    deciders: Deciders,
) -> Result<Voided, VoidError> {
    if deciders == Deciders::Registered && releases.registered().await?.is_empty() {
        return Err(VoidError::NoRelease);
    }
    let position = request.position;
    let round = voids.ask(request).await?;
    let could_decide = match deciders {
        Deciders::Registered => find(releases, record).await?,
        Deciders::Stopped => Vec::new(),
    };
    // Another operator may have settled it meanwhile. If one has asked again since then, nothing is settled here.
    voids.settle(position, round, VoidState::settled(&could_decide)).await?;
    let state = state_of(voids, position).await?.unwrap_or(VoidState::Asked);
    Ok(Voided { state, could_decide })
}

/// `None`: no operator asked for it.
///
/// # Errors
/// [`StoreError`].
pub async fn state_of(voids: &dyn Voids, position: Position) -> Result<Option<VoidState>, StoreError> {
    let all = voids.all().await?;
    Ok(all.into_iter().find(|void| void.request.position == position).map(|void| void.state))
}

async fn find(releases: &dyn Releases, record: &Consumed) -> Result<Vec<Release>, StoreError> {
    let registered = releases.registered().await?;
    let inabilities = releases.inabilities().await?.into_iter();
    let unable: Vec<Release> =
        inabilities.filter(|(position, _)| *position == record.position).map(|(_, release)| release).collect();
    Ok(could_decide(Demands::of(&record.payload), record.appended_at, &registered, &unable))
}
