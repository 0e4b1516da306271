//! Claiming the ids of one request: the protocol around the gate's verdict.
//!
//! - Admitted: what is new is ours to append. Where the gate may have forgotten, and where we joined, one read of the
//!   store decides.
//! - Unconfirmed claims of others: wait a moment for their outcome; then join the same content; for other content ask
//!   the store, and where nothing is stored take the claim over once nothing of it can land any more.
//! - Conflicts refuse.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tidegate_agentping::Body;
use tidegate_kernel::outage::jittered;
use tidegate_ports::gate::{AgentAsk, OnUnconfirmed};
use tidegate_ports::{Ask, ClaimKey, ClaimOutcome, StoreRead, Ticket, Verdict};

use crate::admission::Admission;
use crate::answers::Opened;
use crate::by_store::{ByStore, StoreView, start_conflict};
use crate::claims;
use crate::refusal::{RETRY_SOON_S, Refusal};
use crate::submission::{Caller, Submission};

/// How one claim of a request stands in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    New,
    /// Written before, by the gate's memory, with what it remembers.
    Repeat(Bytes),
    /// Written before, by the store's word.
    Stored,
}

/// A request whose claims are settled.
pub(crate) struct Claimed {
    /// One for each claim of [`claims::of`]; all new where there was no gate to ask.
    pub slots: Vec<Slot>,
    pub peeks: Vec<Option<Bytes>>,
    /// Boxed, as hardly any request has one.
    pub view: Option<Box<StoreView>>,
    /// What the claims remember that were joined, by their index.
    pub joined: Vec<(usize, Bytes)>,
    /// What is held; `None` without a gate.
    pub ticket: Option<Ticket>,
    /// What is claimed and could be compared neither by the gate, which lost its memory, nor by the store, which is
    /// down. It is never confirmed: whoever meets it asks the store.
    pub uncompared: Vec<ClaimKey>,
    /// When the gate was last asked: the record must be sent soon after.
    pub asked_at: Instant,
}

/// How one claim is asked for the next time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Ask(OnUnconfirmed),
    /// The store has answered for it.
    Settled,
}

/// How often the store is asked about claims that keep changing.
const STORE_ROUNDS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Where a request stands that was held up.
struct HeldUp {
    since: Instant,
    pause: Duration,
    joining: bool,
    rounds: u32,
}

impl Admission {
    pub(crate) async fn claim(&self, caller: &Caller, submission: &Submission) -> Result<Claimed, Refusal> {
        let mut modes = Vec::new();
        let mut held_up: Option<HeldUp> = None;
        let mut gave_back = false;
        loop {
            let charge_rate = held_up.is_none() && !gave_back;
            let asked_at = Instant::now();
            let ask = || self.ask(caller, submission, &modes, charge_rate);
            match self.ask_gate(caller.team, ask).await {
                None | Some(Verdict::NeedsSeed) => {
                    if charge_rate {
                        self.take_local_share(caller)?;
                    }
                    return Ok(Claimed::without_gate(submission, &modes, asked_at));
                }
                Some(Verdict::Refused(refused)) => {
                    if gave_back || !Box::pin(self.gives_back(caller.team, refused)).await {
                        let refusal = self.refusal(caller, refused, Some(&submission.body));
                        return Err(Box::pin(self.with_agent_hints(caller, refusal)).await);
                    }
                    gave_back = true;
                }
                Some(Verdict::Admitted { claims, peeks, ticket }) => {
                    self.watch_agents(caller, &ticket);
                    let claimed = Claimed { peeks, ticket: Some(ticket), ..Claimed::nothing(asked_at) };
                    return match plain_slots(&claims, &modes) {
                        Some(slots) => Ok(Claimed { slots, ..claimed }),
                        // The slow ways are boxed: they have no room in the future of every request.
                        None => Box::pin(self.settle(caller, submission, &modes, claims, claimed)).await,
                    };
                }
                Some(Verdict::Held { claims: outcomes, .. }) => {
                    let count = modes.iter().filter(|mode| **mode == Mode::Settled).count() + outcomes.len();
                    modes.resize(count, Mode::Ask(OnUnconfirmed::Report));
                    let held = held_up.get_or_insert_with(HeldUp::new);
                    if Box::pin(self.decide_conflicts(caller, submission, &mut modes, &outcomes)).await? {
                        held.count_round(|| self.undecided())?;
                    } else if held.waits(self.config.timeouts.claim_wait_ms) {
                        tokio::time::sleep(held.next_pause()).await;
                    } else if !held.joining {
                        held.joining = true;
                        for mode in modes.iter_mut().filter(|mode| **mode != Mode::Settled) {
                            *mode = Mode::Ask(OnUnconfirmed::Join);
                        }
                    } else {
                        held.count_round(|| self.undecided())?;
                        Box::pin(self.decide_unconfirmed(caller, submission, &mut modes, &outcomes)).await?;
                    }
                }
            }
        }
    }

    fn ask(&self, caller: &Caller, submission: &Submission, modes: &[Mode], charge_rate: bool) -> Ask {
        let mut wanted = claims::of(submission);
        if !modes.is_empty() {
            let mut mode = modes.iter();
            wanted.claims.retain_mut(|claim| match mode.next() {
                Some(Mode::Settled) => false,
                Some(Mode::Ask(on_unconfirmed)) => {
                    claim.on_unconfirmed = *on_unconfirmed;
                    true
                }
                None => true,
            });
        }
        let capped = caller.scope == tidegate_agentping::Scope::Team;
        Ask {
            team: caller.team,
            limits: caller.plan.limits(),
            now: self.ports.clock.now(),
            steady: self.ports.clock.steady(),
            applied_to: self.applied.to(),
            charge_rate,
            agent: claims::agent(&submission.body).map(|slug| AgentAsk { slug: slug.clone(), capped }),
            claims: wanted.claims,
            peeks: wanted.peeks,
            unclaimed_units: wanted.unclaimed_units,
        }
    }

    /// Refuses for the first conflict, if there is one; `true` where the store has settled all there are: what an earlier
    /// build claimed for the same content may have another fingerprint.
    async fn decide_conflicts(
        &self,
        caller: &Caller,
        submission: &Submission,
        modes: &mut [Mode],
        outcomes: &[ClaimOutcome],
    ) -> Result<bool, Refusal> {
        let conflicts = asked(modes).zip(outcomes).filter_map(|(index, outcome)| match outcome {
            ClaimOutcome::Conflict { answer } => Some((index, answer)),
            _ => None,
        });
        let conflicts: Vec<(usize, &Bytes)> = conflicts.collect();
        let given = claims::given_start(&submission.body);
        for (index, answer) in &conflicts {
            if let Body::Events(events) = &submission.body {
                if events[*index].earlier_hash.is_none() {
                    return Err(Refusal::EventConflict { index: *index });
                }
                continue;
            }
            let remembered = Opened::decode(answer)
                .and_then(|opened| start_conflict(submission, (&opened.agent, opened.started_at), given));
            if let Some(refusal) = remembered {
                return Err(refusal);
            }
        }
        if conflicts.is_empty() {
            return Ok(false);
        }
        // The gate remembers a conflict and not with what: the store knows.
        let view = self.view(caller, submission).await?;
        for (index, _) in conflicts {
            match view.judge(submission, key_of(submission, index), index) {
                ByStore::Other(refusal) => return Err(refusal),
                ByStore::Same => modes[index] = Mode::Settled,
                ByStore::Absent => return Err(self.undecided()),
            }
        }
        Ok(true)
    }

    /// Unconfirmed claims of other content, after the wait: the store decides each. Their age is that of when the gate was
    /// asked, and the lag is read before the store, never after.
    async fn decide_unconfirmed(
        &self,
        caller: &Caller,
        submission: &Submission,
        modes: &mut [Mode],
        outcomes: &[ClaimOutcome],
    ) -> Result<(), Refusal> {
        let lag_ms = self.lag_age_ms().await;
        let view = self.view(caller, submission).await?;
        let indexes: Vec<usize> = asked(modes).collect();
        for (index, outcome) in indexes.into_iter().zip(outcomes) {
            let ClaimOutcome::Unconfirmed { same_content, renewed_at, age_ms, .. } = outcome else { continue };
            let join = Mode::Ask(OnUnconfirmed::Join);
            modes[index] = match view.judge(submission, key_of(submission, index), index) {
                _ if *same_content => join,
                ByStore::Same => Mode::Settled,
                ByStore::Other(refusal) => return Err(refusal),
                ByStore::Absent if self.never_landed(*age_ms, lag_ms) => {
                    Mode::Ask(OnUnconfirmed::TakeOver { seen_renewed_at: *renewed_at })
                }
                ByStore::Absent => return Err(self.undecided()),
            };
        }
        Ok(())
    }

    /// The other request is soon decided, whatever else is away: its clients only must not come back together.
    pub(crate) fn undecided(&self) -> Refusal {
        Refusal::Undecided { retry_after_s: jittered(RETRY_SOON_S, &self.undecided) }
    }

    /// Whether all that was admitted up to the claim's last renewal has landed and is applied, or never will land. Two
    /// spans of time are compared, the claim's by the gate's clock: no two clocks are.
    fn never_landed(&self, claim_age_ms: u64, lag_ms: Option<u64>) -> bool {
        lag_ms.is_some_and(|lag_ms| claim_age_ms > lag_ms.saturating_add(self.lands_after_ms()))
    }

    pub(crate) async fn give_back(&self, claimed: &mut Claimed) {
        if let Some(ticket) = claimed.ticket.take() {
            self.release(ticket).await;
        }
    }
}

impl HeldUp {
    fn new() -> Self {
        HeldUp { since: Instant::now(), pause: FIRST_PAUSE, joining: false, rounds: 0 }
    }

    fn waits(&self, wait_ms: u64) -> bool {
        !self.joining && self.since.elapsed() < Duration::from_millis(wait_ms)
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    fn count_round(&mut self, undecided: impl FnOnce() -> Refusal) -> Result<(), Refusal> {
        self.rounds += 1;
        if self.rounds > STORE_ROUNDS { Err(undecided()) } else { Ok(()) }
    }
}

impl Claimed {
    fn without_gate(submission: &Submission, modes: &[Mode], asked_at: Instant) -> Self {
        let mut slots = vec![Slot::New; claims::of(submission).claims.len()];
        for (slot, _) in slots.iter_mut().zip(modes).filter(|(_, mode)| **mode == Mode::Settled) {
            *slot = Slot::Stored;
        }
        Claimed { slots, ..Claimed::nothing(asked_at) }
    }

    const fn nothing(asked_at: Instant) -> Self {
        Claimed {
            slots: Vec::new(),
            peeks: Vec::new(),
            view: None,
            joined: Vec::new(),
            ticket: None,
            uncompared: Vec::new(),
            asked_at,
        }
    }

    /// Whether anything of the request is new. Without claims all of it is.
    pub fn any_new(&self) -> bool {
        self.slots.is_empty() || self.slots.contains(&Slot::New)
    }
}

/// The plain case, which is nearly every request: all claims are new without doubt, or repeats.
fn plain_slots(outcomes: &[ClaimOutcome], modes: &[Mode]) -> Option<Vec<Slot>> {
    if modes.contains(&Mode::Settled) {
        return None;
    }
    let slot = |outcome: &ClaimOutcome| match outcome {
        ClaimOutcome::New { store: StoreRead::NotNeeded } => Some(Slot::New),
        ClaimOutcome::Repeat { answer } => Some(Slot::Repeat(answer.clone())),
        _ => None,
    };
    outcomes.iter().map(slot).collect()
}

/// Indexes of the claims that the last ask had.
pub(crate) fn asked(modes: &[Mode]) -> impl Iterator<Item = usize> + '_ {
    modes.iter().enumerate().filter(|(_, mode)| **mode != Mode::Settled).map(|(index, _)| index)
}

pub(crate) fn asked_or_all(modes: &[Mode], count: usize) -> Vec<usize> {
    if modes.is_empty() { (0..count).collect() } else { asked(modes).collect() }
}

/// The key of claim number `index` of [`claims::of`].
pub(crate) fn key_of(submission: &Submission, index: usize) -> ClaimKey {
    match &submission.body {
        Body::Events(events) => ClaimKey::Event(events[index].id),
        Body::Finish(_) => ClaimKey::Finish(submission.run),
        _ if index == 0 => ClaimKey::Start(submission.run),
        _ => ClaimKey::Finish(submission.run),
    }
}
