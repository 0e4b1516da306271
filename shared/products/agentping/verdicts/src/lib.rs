//! What a judge has found of a team's agents, as stored rows: slots, incidents, how each agent stands, and how far all is
//! judged.
//!
//! The judge writes them and the read API shows them. A row is a function of what it is about, and so is its rank: two
//! judges that find the same write the same.

pub mod check_tracks;
mod document;
pub mod incidents;
pub mod judged;
pub mod recent;
pub mod slot_hours;
pub mod slot_query;
pub mod slots;
pub mod standings;

pub use check_tracks::{CHECK_TRACKS, check_track_key, open_incidents_of_agent};
pub use incidents::{INCIDENTS, IncidentDoc, IncidentQuery, open_check_incidents};
pub use judged::{JUDGED, JudgedDoc};
pub use recent::{RecentDoc, RecentSlot};
pub use slot_hours::{PackPlace, SLOT_HOURS};
pub use slot_query::SlotQuery;
pub use slots::{SLOTS, SlotDoc};
pub use standings::{LastRun, STANDINGS, StandingDoc};
