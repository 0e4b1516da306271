//! Which commands are shed first.

use tidegate_agentgate::Command;
use tidegate_shedding::{Rank, ShedClass};

/// A class of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandClass {
    /// What makes work: submissions, webhooks, templates.
    Creates,
    /// What ends it, what workers report, and everything else.
    Rest,
}

impl CommandClass {
    pub(crate) const fn of(command: &Command) -> Self {
        match command {
            Command::Submit(_) | Command::WebhookPut(_) | Command::TemplatePut(_) => CommandClass::Creates,
            _ => CommandClass::Rest,
        }
    }
}

impl ShedClass for CommandClass {
    const ALL: &'static [Self] = &[CommandClass::Creates, CommandClass::Rest];

    fn rank(self) -> Rank {
        match self {
            CommandClass::Creates => Rank::First,
            CommandClass::Rest => Rank::Last,
        }
    }

    fn label(self) -> &'static str {
        match self {
            CommandClass::Creates => "creates",
            CommandClass::Rest => "rest",
        }
    }
}
