//! SIGTERM and Ctrl-C. The first one stops in order; a second one stops at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from its making on, so that no signal is lost between two waits.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// The operating system does not give the signals to us.
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

    /// From now on, the next signal ends the process at once, after `last_words`, which must be short. What was accepted
    /// is on the log all the same.
    pub fn exit_on_next(mut self, last_words: impl FnOnce() + Send + 'static) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::error!(signal, "asked a second time: exiting at once");
            last_words();
            // 128 + SIGTERM, as shells show it.
            std::process::exit(143);
        });
    }
}
