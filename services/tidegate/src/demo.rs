//! `tidegate demo`: a team with a week of traffic, in a running `tidegate dev`.

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_agentgate::command::KeyUse;
use tidegate_agentgate::{Owner, Scope, Scopes};
use tidegate_agentping::{KeyAccess, Plan};
use tidegate_demo::{DemoError, DemoOptions, Filled, fill, order};
use tidegate_ports::{Clock, RandomIds, SystemClock};

use crate::agentgate::manage::{keys as org_keys, orgs};
use crate::agentgate::of_running;
use crate::assemble::embedded;
use crate::cli::{DemoArgs, OrgSettings};
use crate::config::Config;
use crate::console::Console;
use crate::deployment::cannot_start;
use crate::failure::Failure;
use crate::manage::{self, Context, keys, teams};

/// Fills the team, and prints where to look.
///
/// # Errors
/// The folder cannot be used, no service runs there, or it refused something.
pub fn run(config: &Config, args: &DemoArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
    runtime.block_on(run_within(config, args))?;
    Ok(ExitCode::SUCCESS)
}

async fn run_within(config: &Config, args: &DemoArgs) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = embedded::open_registry(&config.data, None)?;
    let context = Context {
        registry: opened.registry,
        gate: None,
        ids: Arc::new(RandomIds),
        clock: clock.clone(),
        region: opened.region,
        console: Console::output(),
        json: false,
    };
    let team = match manage::find_team(&*context.registry, &args.team).await? {
        Some(_) => manage::active_team(&*context.registry, &args.team).await?,
        None => teams::create(&context, args.team.clone(), Plan::Team).await?,
    };
    let (row, key) = keys::create(&context, &team, KeyAccess::Full, None).await?;
    let options = DemoOptions {
        ingest_url: args.url.clone(),
        control_url: args.control_url.clone(),
        key: key.clone(),
        team: team.name.clone(),
        region: opened.region,
        until: args.until.unwrap_or_else(|| clock.now()),
    };
    let progress = |line: &str| Console::output().line(format_args!("{line}"));
    let filled = match fill(&options, progress).await {
        Ok(filled) => filled,
        Err(error) => {
            // Nobody has seen the key. That it cannot be revoked is not why the command fails.
            _ = context.registry.revoke_key(row.id, context.now()).await;
            return Err(failed(error));
        }
    };
    let orders = order_work(config, args, clock).await?;
    Console::output().text(&report(&filled, orders, args, &key));
    Ok(())
}

/// Orders work of the organization that has the team's name, which is made if it is missing. Its key is gone afterwards.
async fn order_work(config: &Config, args: &DemoArgs, clock: Arc<dyn Clock>) -> Result<usize, Failure> {
    let Some(office) = of_running(config, clock)? else {
        return Err(Failure::unavailable(format!("no service runs on {}", config.data.display()))
            .or_else("start it first: `make run` or `tidegate dev`"));
    };
    let mut found = None;
    for (org, row) in office.organizations().await? {
        let Some(sealed) = row.name else { continue };
        // One whose name was erased is another.
        let name: Option<String> = office.open(Owner::Org(org), &sealed).await.ok();
        found = found.or((name.as_ref() == Some(&args.team)).then_some(org));
    }
    let org = match found {
        Some(org) => org,
        None => orgs::create(&office, &args.team, &OrgSettings::default()).await?,
    };
    let all: Scopes = [Scope::All].into_iter().collect();
    let key = org_keys::create(&office, Owner::Org(org), KeyUse::Client, all).await?;
    let ordered = order(&args.agentgate_url, &key.secret).await;
    org_keys::take_back(&office, Owner::Org(org), key.id).await?;
    ordered.map_err(failed)
}

fn failed(error: DemoError) -> Failure {
    let text = error.to_string();
    let failure = match &error {
        DemoError::NoAnswer { .. } => Failure::unavailable(text)
            .or_else("start the service first: `make run` or `tidegate dev`; --url and --control-url name others"),
        DemoError::Url { .. } => Failure::config(text).or_else("give http://HOST:PORT"),
        DemoError::Refused { status: 401, .. } => {
            Failure::refused(text).or_else("does the service run on this data folder? --data names another")
        }
        DemoError::Refused { .. } => Failure::refused(text),
        DemoError::Client(_) => Failure::unavailable(text),
    };
    failure.caused_by(error)
}

fn report(filled: &Filled, orders: usize, args: &DemoArgs, key: &str) -> String {
    let Filled { agents, runs, events, repeated, is_blocked } = filled;
    let guard = if *is_blocked {
        "Guard blocks research-agent: it has spent its budget."
    } else {
        "Guard has not counted all spend yet."
    };
    let control = args.control_url.trim_end_matches('/');
    format!(
        "\nTeam '{}' has a week of traffic: {agents} agents, {runs} runs, {events} events ({repeated} requests were \
         repeats of what was there).\n{guard} data-quality has an open incident; uptime-probe, which no one \
         runs, misses its first slot within four minutes. AgentGate has {orders} work orders.\n\nDashboard: {control}/\nSign in there with this key, shown this once: {key}\n",
        args.team
    )
}
