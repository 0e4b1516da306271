//! `tidegate dead-letters list`.

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_agentping::TeamId;
use tidegate_kernel::Position;
use tidegate_ports::{Clock, DeadLetters, SystemClock};

use super::about::{About, Wanted};
use super::dead_letter_json::DeadLetterJson;
use super::printable;
use crate::assemble::read_only;
use crate::cli::DeadLettersListArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;
use crate::manage;

const HEAD: [&str; 8] = ["POSITION", "DEAD-LETTERED", "TEAM", "KIND", "AGENT", "ATTEMPT", "BYTES", "REASON"];

/// Dead letters read at once; each may be as large as a record.
const PAGE_DEAD_LETTERS: usize = 500;
const WORD_CHARACTERS: usize = 45;
const REASON_CHARACTERS: usize = 100;

pub async fn list(config: &Config, args: &DeadLettersListArgs, mut console: Console) -> Result<ExitCode, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dead_letters = read_only::dead_letters(config, &clock)?;
    let team = match &args.team {
        Some(text) => Some(team(config, text).await?),
        None => None,
    };
    let wanted = Wanted { team, agent: args.agent.clone(), kind: args.kind };
    let limit = args.limit as usize;
    let mut found = find(&*dead_letters, &wanted, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    if args.json {
        console.json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        let among =
            if args.team.is_some() || args.agent.is_some() || args.kind.is_some() { " of that kind" } else { "" };
        console.line(format_args!("there are no dead letters{among}"));
        return Ok(ExitCode::SUCCESS);
    }
    console.table(HEAD, &found.iter().map(row).collect::<Vec<_>>());
    if is_more {
        console.line(format_args!("there are more: raise --limit, now {limit}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first `limit` dead letters that are wanted, without their payloads, which are not printed here.
async fn find(dead_letters: &dyn DeadLetters, wanted: &Wanted, limit: usize) -> Result<Vec<DeadLetterJson>, Failure> {
    let (mut found, mut after): (Vec<DeadLetterJson>, Option<Position>) = (Vec::new(), None);
    while found.len() < limit {
        let some = dead_letters.list(after, PAGE_DEAD_LETTERS).await?;
        after = some.last().map(|dead_letter| dead_letter.position);
        let matching =
            some.iter().map(|dead_letter| (dead_letter, About::of(dead_letter))).filter(|(_, about)| about.is(wanted));
        found.extend(
            matching.map(|(dead_letter, about)| DeadLetterJson::of(dead_letter, about)).take(limit - found.len()),
        );
        if some.len() < PAGE_DEAD_LETTERS {
            break;
        }
    }
    Ok(found)
}

fn row(dead_letter: &DeadLetterJson) -> [String; 8] {
    let word = |word: &Option<String>| {
        word.as_deref().map_or_else(|| "-".to_owned(), |word| printable::short(word, WORD_CHARACTERS))
    };
    [
        dead_letter.position.clone(),
        dead_letter.dead_lettered_at.to_string(),
        word(&dead_letter.about.team),
        word(&dead_letter.about.kind),
        word(&dead_letter.about.agent),
        dead_letter.attempt.to_string(),
        dead_letter.payload_bytes.to_string(),
        printable::short(&dead_letter.reason, REASON_CHARACTERS),
    ]
}

/// The id of a team. A team_… is taken as it is: dead letters outlive teams.
async fn team(config: &Config, text: &str) -> Result<TeamId, Failure> {
    if let Ok(id) = TeamId::parse(text) {
        return Ok(id);
    }
    let opened = read_only::registry(config).await.map_err(|failure| {
        let in_words = |failure: &Failure| format!("--team {text}: only the store knows names: {failure}");
        failure.in_words(in_words).or_else("an id (team_…) needs no store")
    })?;
    Ok(manage::team(&*opened.registry, text).await?.id)
}
