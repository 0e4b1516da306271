//! SIGTERM and Ctrl-C. The first signal starts the orderly stop; a second one ends the process at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives signals from its creation on, so that none is lost between two waits.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// The operating system refuses the signal handlers.
    pub fn listen() -> io::Result<Self> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Resolves with the name of the next signal.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }

    /// From now on, the next signal ends the process at once, after `last_words`, which must be short. Accepted records
    /// are already on the log.
    pub fn exit_on_next(mut self, last_words: impl FnOnce() + Send + 'static) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::error!(signal, "asked a second time: exiting at once");
            last_words();
            // 128 + SIGTERM, the shell convention.
            std::process::exit(143);
        });
    }
}
