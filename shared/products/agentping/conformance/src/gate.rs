//! What every [`Gate`](tidegate_agentping_ports::Gate) does. Needs nothing but the trait: cases make fresh teams, take their time from
//! the machine's clock, and move it forward only through [`Ask::now`](tidegate_agentping_ports::Ask::now).

use tidegate_agentping::{EventId, Limits, RunId, Slug, TeamId};
use tidegate_agentping_ports::gate::{AgentAsk, OnUnconfirmed};
use tidegate_agentping_ports::{
    Ask, Claim, ClaimKey, ClaimOutcome, Fingerprint, Gate, Seed, StoreRead, Ticket, Verdict,
};
use tidegate_kernel::{Region, Timestamp};
use tidegate_ports::{Clock, Ids, RandomIds, SystemClock};

mod claims;
mod limits;

/// Runs every case, each against a gate of its own or all against the same, as `make` has it.
pub async fn every_case<G: Gate>(make: impl AsyncFn() -> G) {
    limits::an_unknown_team_is_to_be_seeded_once(&make().await).await;
    limits::seeding_again_keeps_the_greater_count_and_all_agents(&make().await).await;
    limits::a_burst_passes_and_then_the_rate_holds(&make().await).await;
    limits::teams_do_not_share_a_bucket(&make().await).await;
    limits::asking_again_for_own_claims_takes_no_token(&make().await).await;
    limits::the_quota_line_is_passed_by_one_batch_at_most(&make().await).await;
    limits::a_new_month_counts_from_nothing(&make().await).await;
    limits::without_limits_all_is_admitted(&make().await).await;
    limits::at_the_cap_known_agents_go_on(&make().await).await;
    limits::a_released_first_use_frees_its_slot_unless_another_holds_it(&make().await).await;
    limits::an_agent_that_is_forgotten_frees_its_slot(&make().await).await;
    limits::the_order_is_rate_quota_agents_claims(&make().await).await;
    claims::a_claim_is_new_then_unconfirmed_then_repeats_or_conflicts(&make().await).await;
    claims::what_was_not_sent_matches_anything(&make().await).await;
    claims::an_event_may_have_an_answer_too(&make().await).await;
    claims::one_conflict_holds_the_whole_request(&make().await).await;
    claims::new_ones_and_repeats_are_admitted_together(&make().await).await;
    claims::the_same_content_joins_and_each_holder_counts(&make().await).await;
    claims::other_content_does_not_join(&make().await).await;
    claims::a_claim_is_taken_over_only_as_it_was_seen(&make().await).await;
    claims::a_release_does_not_touch_what_passed_to_another(&make().await).await;
    claims::a_release_leaves_nothing(&make().await).await;
    claims::a_confirmed_claim_is_not_released(&make().await).await;
    claims::reads_take_nothing(&make().await).await;
    claims::ids_of_two_teams_are_two(&make().await).await;
    claims::ids_far_from_now_are_left_to_the_store(&make().await).await;
}

/// A team known to the gate, and its questions.
struct Asker<'a> {
    gate: &'a dyn Gate,
    team: TeamId,
    limits: Limits,
    now: Timestamp,
}

impl<'a> Asker<'a> {
    async fn seeded(gate: &'a dyn Gate, limits: Limits) -> Self {
        let asker = Asker::unknown(gate, limits);
        gate.seed(asker.team, Seed::default()).await.expect("the gate is up");
        asker
    }

    fn unknown(gate: &'a dyn Gate, limits: Limits) -> Self {
        let now = SystemClock.now();
        Asker { gate, team: ids().mint(Region::Eu, now), limits, now }
    }

    fn ask(&self, claims: Vec<Claim>) -> Ask {
        Ask {
            team: self.team,
            limits: self.limits,
            now: self.now,
            steady: self.now,
            applied_to: None,
            charge_rate: true,
            agent: None,
            claims,
            reads: Vec::new(),
            unclaimed_units: 0,
        }
    }

    async fn admit(&self, ask: Ask) -> Verdict {
        self.gate.admit(ask).await.expect("the gate is up")
    }

    async fn claim(&self, claims: Vec<Claim>) -> Verdict {
        self.admit(self.ask(claims)).await
    }

    /// A request that must be admitted.
    async fn admitted(&self, ask: Ask) -> (Vec<ClaimOutcome>, Ticket) {
        match self.admit(ask).await {
            Verdict::Admitted { claims, ticket, .. } => (claims, ticket),
            other => panic!("not admitted: {other:?}"),
        }
    }

    /// The one outcome of a request with one claim, held or admitted.
    async fn outcome(&self, claim: Claim) -> ClaimOutcome {
        match self.claim(vec![claim]).await {
            Verdict::Admitted { mut claims, .. } | Verdict::Blocked { mut claims, .. } => claims.remove(0),
            other => panic!("neither admitted nor held: {other:?}"),
        }
    }

    async fn used(&self) -> u64 {
        let month = tidegate_kernel::Month::of(self.now);
        self.gate.usage(self.team, month).await.expect("the gate is up").expect("the team is known")
    }

    fn agent(&self, slug: &str, units: u32) -> Ask {
        let slug = Slug::parse(slug).expect("a slug");
        Ask { agent: Some(AgentAsk { slug, capped: true }), unclaimed_units: units, ..self.ask(Vec::new()) }
    }

    fn run(&self) -> RunId {
        ids().mint(Region::Eu, self.now)
    }
}

const fn ids() -> &'static dyn Ids {
    &RandomIds
}

fn start(run: RunId, content: u64) -> Claim {
    Claim {
        key: ClaimKey::Start(run),
        fingerprint: Fingerprint { main: content, detail: None },
        answer: bytes::Bytes::from(content.to_be_bytes().to_vec()),
        units: 1,
        on_unconfirmed: OnUnconfirmed::Report,
    }
}

fn event(id: EventId, content: u64) -> Claim {
    Claim { key: ClaimKey::Event(id), answer: bytes::Bytes::new(), ..start(RunId::from_bits(Region::Eu, 0), content) }
}

fn joining(claim: Claim) -> Claim {
    Claim { on_unconfirmed: OnUnconfirmed::Join, ..claim }
}

const NEW: ClaimOutcome = ClaimOutcome::New { store: StoreRead::NotNeeded };
