//! SIGKILL in rounds, with a pause after each: a process may start another one while it is killed.

use std::time::Duration;

/// Rounds of SIGKILL, with a pause of [`SETTLE`] after each.
pub const KILL_ROUNDS: u32 = 60;
/// How long a pause lasts, at most: processes that were killed need a moment to end.
pub const SETTLE: Duration = Duration::from_millis(50);
/// How long the pauses of all rounds take. The rounds themselves, which look through the processes, come on top.
pub const ALL_PAUSES: Duration = SETTLE.saturating_mul(KILL_ROUNDS);
