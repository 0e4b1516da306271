//! `tidegate rates`.

use tidegate_agentping::rates::RateRow;
use tidegate_agentping::{Rate, TeamId};
use tidegate_agentping_ports::registry::check_rate;

use super::rows::RateJson;
use super::{Context, resolve};
use crate::cli::{RateArgs, RatesCommand};
use crate::failure::Failure;

pub async fn run(mut context: Context, command: RatesCommand) -> Result<(), Failure> {
    match command {
        RatesCommand::List { team, .. } => {
            let mut rows: Vec<(TeamId, RateRow)> = Vec::new();
            for team in resolve::team_or_all(&*context.registry, team.as_deref()).await? {
                let own = context.registry.list_rates(team.id).await?;
                rows.extend(own.into_iter().map(|row| (team.id, row)));
            }
            let rows: Vec<_> = rows.iter().map(|(team, row)| RateJson::of(*team, row)).collect();
            if context.json { context.console.json(&rows) } else { table(&mut context, &rows) }
        }
        RatesCommand::Set(args) => {
            let team = resolve::team(&*context.registry, &args.team).await?;
            let row = row(*args)?;
            context.registry.set_rate(team.id, row.clone()).await?;
            let row = RateJson::of(team.id, &row);
            if context.json { context.console.json(&row) } else { table(&mut context, &[row]) }
        }
    }
    Ok(())
}

fn row(args: RateArgs) -> Result<RateRow, Failure> {
    let rate = Rate {
        input_per_million: args.input,
        cached_per_million: args.cached,
        output_per_million: args.output,
        batch_permille: args.batch_multiplier.permille,
    };
    check_rate(&rate).map_err(|price| {
        let most = Rate::MAX_PER_MILLION;
        Failure::config(format!("--{price} is too high")).hint(format!("at most {most} dollars per million tokens"))
    })?;
    Ok(RateRow { provider: args.provider, model: args.model, rate })
}

fn table(context: &mut Context, rows: &[RateJson<'_>]) {
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
    context.console.table(head, &rows.iter().map(cells).collect::<Vec<_>>());
}
