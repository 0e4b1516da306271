//! What every store does: [`Runs`], [`StoredSummary`], [`RunQueries`] and [`Agents`] together.

use std::sync::Arc;

use tidegate_agentping_ports::{Agents, Registry, RunQueries, Runs, StoredSummary};

pub(crate) mod chance;
mod event_pages;
mod listings;
mod orphans;
mod renamed;
mod repeats;
pub(crate) mod replays;
mod saving;
mod story;
mod sums;
mod wild_clocks;

/// A store through all its ports. It may hold other teams' data.
#[derive(Clone)]
pub struct StoreUnderTest {
    pub runs: Arc<dyn Runs>,
    pub summary: Arc<dyn StoredSummary>,
    pub queries: Arc<dyn RunQueries>,
    pub agents: Arc<dyn Agents>,
    /// The registry whose agents the store shows in addition to its own.
    pub registry: Arc<dyn Registry>,
}

/// Runs every case. `replays` is how many random histories are run.
pub async fn suite(store: &StoreUnderTest, replays: u64) {
    saving::nothing_is_stored_of_an_unknown_run(store).await;
    saving::every_member_comes_back(store).await;
    saving::an_older_position_loses(store).await;
    saving::a_newer_generation_wins(store).await;
    saving::saving_again_changes_nothing(store).await;
    saving::events_are_added_and_the_first_stays(store).await;
    event_pages::pages_follow_one_another_by_id(store).await;
    event_pages::a_page_ends_with_its_bytes(store).await;
    event_pages::there_are_no_events_of_an_unknown_run(store).await;
    saving::the_same_ids_from_two_teams_are_two_runs(store).await;
    saving::an_event_is_found_under_every_run_that_holds_it(store).await;
    saving::loads_answer_in_the_order_asked(store).await;
    listings::every_filter_and_page_agrees_with_a_plain_model(store).await;
    listings::a_run_whose_start_replaces_an_implied_one_moves(store).await;
    listings::no_run_is_listed_for_a_team_without_any(store).await;
    listings::a_page_ends_with_its_bytes(store).await;
    wild_clocks::a_start_that_no_clock_could_say_is_listed_by_its_receipt(store).await;
    wild_clocks::a_months_spend_is_of_the_runs_listed_in_it(store).await;
    wild_clocks::a_run_moves_to_where_its_real_start_is_listed(store).await;
    orphans::an_orphan_is_hidden_until_it_is_opened(store).await;
    orphans::old_orphans_are_purged_and_only_those(store).await;
    sums::usage_follows_the_runs(store).await;
    sums::spend_is_summed_by_every_label(store).await;
    sums::an_idle_close_counts_as_its_status(store).await;
    sums::agents_are_summed_over_the_newest_runs(store).await;
    sums::unpriced_models_are_listed_in_the_month_of_receipt(store).await;
    sums::agents_come_from_runs_and_from_tokens(store).await;
    sums::an_archived_agent_does_not_count_until_it_is_seen_again(store).await;
    repeats::they_are_summed_by_agent_and_month(store).await;
    repeats::they_are_the_agents_of_the_opening(store).await;
    renamed::history_is_shown_by_name(store).await;
    renamed::repeats_are_shown_by_name(store).await;
    renamed::tokens_and_slots_stay_with_the_agent(store).await;
    for seed in 0..replays {
        replays::any_batching_and_redelivery_ends_in_one_state(store, seed).await;
    }
}
