//! `tidegate dead-letters show`.

use std::process::ExitCode;
use std::sync::Arc;

use tidegate_ports::{Clock, DeadLetter, SystemClock};

use super::about::About;
use super::dead_letter_json::WholeDeadLetterJson;
use super::printable;
use crate::assemble::read_only;
use crate::cli::DeadLettersShowArgs;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

pub async fn show(config: &Config, args: &DeadLettersShowArgs, mut console: Console) -> Result<ExitCode, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dead_letters = read_only::dead_letters(config, &clock)?;
    let position = args.position;
    let dead_letter = dead_letters.find(position).await?.ok_or_else(|| {
        Failure::refused(format!("there is no dead letter of {position}"))
            .hint("`tidegate dead-letters list` shows those there are")
    })?;
    if args.raw {
        console.bytes(&dead_letter.payload);
    } else if args.json {
        console.json(&WholeDeadLetterJson::of(&dead_letter, About::of(&dead_letter)));
    } else {
        whole(&mut console, &dead_letter);
    }
    Ok(ExitCode::SUCCESS)
}

fn whole(console: &mut Console, dead_letter: &DeadLetter) {
    let about = About::of(dead_letter);
    let mut line =
        |name: &str, value: &str| console.line(format_args!("{name:<13} {}", printable::line(value.as_bytes())));
    line("position", &dead_letter.position.to_string());
    line("appended", &dead_letter.appended_at.to_string());
    line("dead-lettered", &dead_letter.dead_lettered_at.to_string());
    line("reason", &dead_letter.reason);
    let attempt = dead_letter.provenance.attempt();
    match dead_letter.provenance.origin {
        Some(origin) => line("attempt", &format!("{attempt}, replayed from {}", origin.position)),
        None => line("attempt", &attempt.to_string()),
    }
    for (name, word) in [("team", &about.team), ("run", &about.run), ("kind", &about.kind), ("agent", &about.agent)] {
        line(name, word.as_deref().unwrap_or("-"));
    }
    let provenance = &dead_letter.provenance;
    console.line(format_args!("{:<13} {}", "key", printable::line(&provenance.key)));
    for (name, value) in &provenance.headers {
        let (name, value) = (printable::line(name.as_bytes()), printable::line(value));
        console.line(format_args!("{:<13} {name}: {value}", "header"));
    }
    console.line(format_args!("{:<13} {} bytes", "payload", dead_letter.payload.len()));
    console.line(format_args!(""));
    console.line(format_args!("{}", printable::line(&dead_letter.payload)));
}
