//! `tidegate rates`.

use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{Rate, TeamId};
use tidegate_agentping_ports::registry::check_rate;

use super::rows::RateJson;
use super::{Desk, resolve};
use crate::cli::{RateArgs, RatesCommand};

pub async fn run(mut desk: Desk, command: RatesCommand) -> Result<(), String> {
    match command {
        RatesCommand::List { team, .. } => {
            let mut rows: Vec<(TeamId, RateRow)> = Vec::new();
            for team in resolve::team_or_all(&*desk.registry, team.as_deref()).await? {
                let own = desk.registry.list_rates(team.id).await.map_err(|error| error.to_string())?;
                rows.extend(own.into_iter().map(|row| (team.id, row)));
            }
            let rows: Vec<_> = rows.iter().map(|(team, row)| RateJson::of(*team, row)).collect();
            if desk.json { desk.page.json(&rows) } else { table(&mut desk, &rows) }
        }
        RatesCommand::Set(args) => {
            let team = resolve::team(&*desk.registry, &args.team).await?;
            let row = row(*args)?;
            desk.registry.set_rate(team.id, row.clone()).await.map_err(|error| error.to_string())?;
            let row = RateJson::of(team.id, &row);
            if desk.json { desk.page.json(&row) } else { table(&mut desk, &[row]) }
        }
    }
    Ok(())
}

fn row(args: RateArgs) -> Result<RateRow, String> {
    let rate = Rate {
        input_per_million: args.input,
        cached_per_million: args.cached,
        output_per_million: args.output,
        batch_permille: args.batch_multiplier.permille,
    };
    check_rate(&rate).map_err(|price| {
        format!("--{price} is too high: at most {} dollars per million tokens", Rate::MAX_PER_MILLION)
    })?;
    Ok(RateRow { provider: args.provider, model: args.model, rate })
}

fn table(desk: &mut Desk, rows: &[RateJson<'_>]) {
    let cells = |rate: &RateJson<'_>| {
        [
            rate.team.to_string(),
            rate.provider.to_owned(),
            rate.model.to_owned(),
            rate.input.to_string(),
            rate.cached.to_string(),
            rate.output.to_string(),
            rate.batch_multiplier.to_string(),
        ]
    };
    let head = ["TEAM", "PROVIDER", "MODEL", "INPUT", "CACHED", "OUTPUT", "BATCH"];
    desk.page.table(head, &rows.iter().map(cells).collect::<Vec<_>>());
}
