//! Why a command has no outcome to answer with.

use tidegate_ports::StoreError;
use tidegate_shedding::ShedRefusal;

/// Why a command was not submitted, or what became of it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitRefusal<C> {
    /// Consumers are behind, or the command's partition is halted. Nothing was appended.
    Shed(ShedRefusal<C>),
    /// Too many commands of this process wait for their outcomes. Nothing was appended.
    TooManyWaiting,
    /// No outcome can be read now. Nothing was appended.
    StoreDown(StoreError),
    /// The log did not take the command, and never will.
    LogRefused { retry_after_s: u64 },
    /// The log takes no record of this size. Nothing was appended.
    TooLarge { bytes: usize, cap: usize },
    /// No outcome came in time, or the log did not say whether it took the command. If the command is on the log it will
    /// be decided: a retry with the same idempotency key gets its outcome.
    Undecided,
}

impl<C> SubmitRefusal<C> {
    /// Its name in metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            SubmitRefusal::Shed(_) => "shed",
            SubmitRefusal::TooManyWaiting => "too_many_waiting",
            SubmitRefusal::StoreDown(_) => "store_down",
            SubmitRefusal::LogRefused { .. } => "log_refused",
            SubmitRefusal::TooLarge { .. } => "too_large",
            SubmitRefusal::Undecided => "undecided",
        }
    }
}
