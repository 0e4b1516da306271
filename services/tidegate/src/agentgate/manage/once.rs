//! Commands that change a balance: given again with the same key, each is carried out at most once.

#[cfg(test)]
mod tests;

use std::fmt::Write;

use tidegate_agentgate::{AgentGate, Command, OrgId, Owner};
use tidegate_kernel::command::{Attempt, CommandOutcome, Decider, Fact, FactId, OwnerId};
use tidegate_ports::FactName;

use super::Office;
use super::office::refused;
use crate::cli::Place;
use crate::failure::Failure;

/// Organizations whose keys are looked up at a time.
const PAGE: usize = 100;
/// For how long a key is remembered.
const HOURS: i64 = AgentGate::KEY_WINDOW_MS / 3_600_000;

/// A command of `tidegate agentgate orgs`, as an operator gave it.
pub struct Given<'a> {
    pub verb: &'static str,
    pub org: OrgId,
    /// Its options, in the same order each time, without the key and without where it works.
    pub options: Vec<String>,
    /// The key that the operator chose.
    pub key: Option<String>,
    pub place: &'a Place,
}

impl Given<'_> {
    /// Has the command carried out, unless it was with the same key before. Returns whether it was.
    ///
    /// # Errors
    /// It was refused, its key names another command, or nothing is known of it: then the failure has the command line
    /// that repeats it.
    pub async fn carry_out(&self, office: &Office, command: Command) -> Result<bool, Failure> {
        let key = match &self.key {
            Some(key) => {
                self.unused_elsewhere(office, key).await?;
                key.clone()
            }
            None => Attempt::mint(office.now(), &office.ids.random()).to_string(),
        };
        let owner = Owner::Org(self.org);
        let content = self.content();
        let hashed = office.secrets().operator(self.org, &key, content.as_bytes());
        let outcome = office.outcome(owner, command, Some(hashed)).await;
        match outcome.map_err(|failure| self.with_line(failure, &key))? {
            CommandOutcome::Answered(_) => Ok(false),
            CommandOutcome::Repeated(_) => Ok(true),
            CommandOutcome::Refused(refusal) => Err(refused(owner, refusal)),
            CommandOutcome::Mismatched => {
                Err(Failure::refused(format!("the key '{key}' names another command of '{owner}'"))
                    .or_else("choose another key, or give the command of then"))
            }
            CommandOutcome::Expired => Err(Failure::broken("the command was decided as a client's that came too late")),
        }
    }

    /// What a repeat must match.
    fn content(&self) -> String {
        format!("{} {}", self.verb, self.options.join(" "))
    }

    /// Decisions know the keys of their own organization only: a key that the operator chose is looked up in the others
    /// here. Of two commands at the same time neither finds the other.
    async fn unused_elsewhere(&self, office: &Office, key: &str) -> Result<(), Failure> {
        let (now, secrets) = (office.now(), office.secrets());
        let others = office.organizations().await?.into_iter().map(|(org, _)| org).filter(|org| *org != self.org);
        let others: Vec<OrgId> = others.collect();
        for orgs in others.chunks(PAGE) {
            let name = |org: &OrgId| FactName {
                owner: Owner::Org(*org).log_key(),
                id: FactId::Key(secrets.operator(*org, key, &[]).hash),
            };
            let names: Vec<FactName> = orgs.iter().map(name).collect();
            let found = office.facts.find(&names).await?;
            for (org, facts) in orgs.iter().zip(found) {
                for fact in facts {
                    let fact = Fact::<AgentGate>::decode(fact.position, &fact.doc);
                    let fact = fact.map_err(|error| Failure::broken(error.to_string()).caused_by(error))?;
                    if now.as_millis().saturating_sub(fact.decided_at.as_millis()) < AgentGate::KEY_WINDOW_MS {
                        return Err(Failure::refused(format!("the key '{key}' names a command of '{org}'"))
                            .or_else("choose another key, or name that organization"));
                    }
                }
            }
        }
        Ok(())
    }

    /// A failure after which the command may be carried out yet, or was.
    fn with_line(&self, failure: Failure, key: &str) -> Failure {
        let line = self.line(key);
        failure.in_words(|failure| {
            format!("{failure}; to repeat it without carrying it out twice, give this within {HOURS} hours: `{line}`")
        })
    }

    /// The command line that repeats the command with its key.
    fn line(&self, key: &str) -> String {
        let mut line = format!("tidegate agentgate orgs {} {}", self.verb, self.org);
        for option in &self.options {
            line.push(' ');
            line.push_str(option);
        }
        line.push_str(" --idempotency-key ");
        line.push_str(key);
        for (name, path) in [("data", &self.place.data), ("config", &self.place.config)] {
            if let Some(path) = path {
                // Writing to a string does not fail.
                let _ = write!(line, " --{name} {}", quoted(&path.to_string_lossy()));
            }
        }
        if self.place.json {
            line.push_str(" --json");
        }
        line
    }
}

/// One word of a shell's command line.
fn quoted(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+=:,@".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
