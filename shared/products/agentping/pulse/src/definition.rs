//! A schedule's definition: its members, their bounds, and what is wrong with one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_kernel::SmolStr;

use crate::cron::{Cron, CronFault};
use crate::slots::{Slot, Timing};
use crate::zone::{Zone, ZoneFault};

mod members;

use members::Members;

/// A schedule, with its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Written")]
pub struct Definition {
    /// The expression as it was given; `None` where there is a period.
    pub cron: Option<SmolStr>,
    pub timing: Timing,
    pub timezone: Zone,
    /// Seconds after a slot that a run may take to arrive.
    pub tolerance_s: u32,
    /// Seconds after its opening that a run is stuck; `None`: never.
    pub max_runtime_s: Option<u32>,
    /// Missed slots, or failed runs, in a row that open an incident.
    pub alert_after: u16,
    /// Covered slots, or successful runs, in a row that resolve one.
    pub recover_after: u16,
    /// Whether a slot that cannot be judged sends a message.
    pub unknown_alerts: bool,
    /// Whether slots are judged before the agent's first run.
    pub start_unseen: bool,
    /// Slots of a schedule that is off are skipped.
    pub enabled: bool,
}

/// What is wrong with a definition. The text completes "Field 'x' ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct DefinitionFault {
    /// The member to blame.
    pub member: String,
    pub what: DefinitionFaultKind,
}

/// The sorts of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionFaultKind {
    #[error("is not known; a schedule has {}", members::NAMES.join(", "))]
    Unknown,
    #[error("must be {0}")]
    Type(&'static str),
    #[error("must be a whole number from {least} to {most}")]
    Range { least: u32, most: u32 },
    #[error("must be given, or else every_s, and not both")]
    NotOneTiming,
    #[error("must be at most every_s, which is {0}")]
    LongerThanPeriod(u32),
    #[error(transparent)]
    Cron(#[from] CronFault),
    #[error(transparent)]
    Zone(#[from] ZoneFault),
}

impl Definition {
    pub const EVERY_S: (u32, u32) = (60, 31_536_000);
    pub const TOLERANCE_S: (u32, u32) = (60, 2_419_200);
    pub const TOLERANCE_DEFAULT_S: u32 = 600;
    pub const MAX_RUNTIME_S: (u32, u32) = (1, 2_419_200);
    pub const IN_A_ROW: (u32, u32) = (1, 720);

    /// Parses the members of a schedule.
    ///
    /// # Errors
    /// [`DefinitionFault`], with the first member in their order that is wrong.
    pub fn parse(given: &Map<String, Value>) -> Result<Self, DefinitionFault> {
        let members = Members::of(given)?;
        let period_s = members.whole("every_s", Self::EVERY_S)?;
        let text = members.text("cron")?;
        let zone = match members.text("timezone")? {
            Some(name) => Zone::parse(name).map_err(|fault| members::fault("timezone", fault))?,
            None => Zone::UTC,
        };
        let timing = match (text, period_s) {
            (Some(text), None) => {
                let cron = Cron::parse(text).map_err(|fault| members::fault("cron", fault))?;
                Timing::Cron { cron, zone: zone.clone() }
            }
            (None, Some(period_s)) => Timing::Every { period_s },
            _ => return Err(members::fault("cron", DefinitionFaultKind::NotOneTiming)),
        };
        let tolerance_s = members.whole("tolerance_s", Self::TOLERANCE_S)?;
        if let (Some(period_s), Some(tolerance_s)) = (period_s, tolerance_s)
            && tolerance_s > period_s
        {
            return Err(members::fault("tolerance_s", DefinitionFaultKind::LongerThanPeriod(period_s)));
        }
        let longest_default_s = period_s.unwrap_or(u32::MAX);
        let in_a_row = |name| Ok(members.whole(name, Self::IN_A_ROW)?.map_or(1, |times| times as u16));
        Ok(Definition {
            cron: text.map(|text| SmolStr::new(text.trim())),
            timing,
            timezone: zone,
            tolerance_s: tolerance_s.unwrap_or(Self::TOLERANCE_DEFAULT_S.min(longest_default_s)),
            max_runtime_s: members.whole("max_runtime_s", Self::MAX_RUNTIME_S)?,
            alert_after: in_a_row("alert_after")?,
            recover_after: in_a_row("recover_after")?,
            unknown_alerts: members.flag("unknown_alerts")?.unwrap_or(false),
            start_unseen: members.flag("start_unseen")?.unwrap_or(false),
            enabled: members.flag("enabled")?.unwrap_or(true),
        })
    }

    /// The first slot after `after`; for a period, `after` counts as the last opening.
    pub fn slot_after(&self, after: tidegate_kernel::Timestamp) -> Option<Slot> {
        self.timing.slot_after(after, self.tolerance_s)
    }

    /// The slot after the slot at `at`, if no run comes in between.
    pub fn slot_following(&self, at: tidegate_kernel::Timestamp) -> Option<Slot> {
        self.timing.slot_following(at, self.tolerance_s)
    }
}

impl TryFrom<Map<String, Value>> for Definition {
    type Error = DefinitionFault;

    fn try_from(members: Map<String, Value>) -> Result<Self, DefinitionFault> {
        Definition::parse(&members)
    }
}

/// The wire form: what is not set is absent.
#[derive(Serialize)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<SmolStr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_s: Option<u32>,
    timezone: Zone,
    tolerance_s: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_runtime_s: Option<u32>,
    alert_after: u16,
    recover_after: u16,
    unknown_alerts: bool,
    start_unseen: bool,
    enabled: bool,
}

impl From<Definition> for Written {
    fn from(definition: Definition) -> Self {
        let every_s = match definition.timing {
            Timing::Every { period_s } => Some(period_s),
            Timing::Cron { .. } => None,
        };
        Written {
            cron: definition.cron,
            every_s,
            timezone: definition.timezone,
            tolerance_s: definition.tolerance_s,
            max_runtime_s: definition.max_runtime_s,
            alert_after: definition.alert_after,
            recover_after: definition.recover_after,
            unknown_alerts: definition.unknown_alerts,
            start_unseen: definition.start_unseen,
            enabled: definition.enabled,
        }
    }
}
