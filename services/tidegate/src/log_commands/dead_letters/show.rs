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
    let letters = read_only::dead_letters(config, &clock)?;
    let position = args.position;
    let letter = letters.find(position).await?.ok_or_else(|| {
        Failure::refused(format!("there is no dead letter of {position}"))
            .hint("`tidegate dead-letters list` shows those there are")
    })?;
    if args.raw {
        console.bytes(&letter.payload);
    } else if args.json {
        console.json(&WholeDeadLetterJson::of(&letter, About::of(&letter)));
    } else {
        whole(&mut console, &letter);
    }
    Ok(ExitCode::SUCCESS)
}

fn whole(console: &mut Console, letter: &DeadLetter) {
    let about = About::of(letter);
    let mut line =
        |name: &str, value: &str| console.line(format_args!("{name:<10} {}", printable::line(value.as_bytes())));
    line("position", &letter.position.to_string());
    line("appended", &letter.appended_at.to_string());
    line("buried", &letter.dead_lettered_at.to_string());
    line("reason", &letter.reason);
    let attempt = letter.provenance.attempt();
    match letter.provenance.origin {
        Some(origin) => line("attempt", &format!("{attempt}, replayed from {}", origin.position)),
        None => line("attempt", &attempt.to_string()),
    }
    for (name, word) in [("team", &about.team), ("run", &about.run), ("kind", &about.kind), ("agent", &about.agent)] {
        line(name, word.as_deref().unwrap_or("-"));
    }
    let provenance = &letter.provenance;
    console.line(format_args!("{:<10} {}", "key", printable::line(&provenance.key)));
    for (name, value) in &provenance.headers {
        let (name, value) = (printable::line(name.as_bytes()), printable::line(value));
        console.line(format_args!("{:<10} {name}: {value}", "header"));
    }
    console.line(format_args!("{:<10} {} bytes", "payload", letter.payload.len()));
    console.line(format_args!(""));
    console.line(format_args!("{}", printable::line(&letter.payload)));
}
