//! Killed at random moments under load: whatever was acknowledged is stored exactly once with the content sent, and nothing
//! is stored that was not sent. On a data folder, and with each role a process on the real stack. And what the build before
//! wrote is opened and gone on with.

#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how it reports")]

mod agentgate;
mod agentgate_again;
mod former_build;
mod on_a_folder;
mod on_the_stack;

use std::ops::Range;

use tidegate_tests::durability::load::Clients;
use tidegate_tests::durability::{Phase, Random, verdict};
use tidegate_tests::{Plan, Target, Team};

/// The program under test.
const BINARY: &str = env!("CARGO_BIN_EXE_tidegate-under-test");

/// A round ends after so many acknowledged requests, at least and at most.
const ROUND: Range<u64> = 20..150;

/// A target under load, and what its clients were answered.
struct UnderLoad {
    target: Target,
    clients: Clients,
    random: Random,
}

impl UnderLoad {
    async fn begin(target: Target, clients: u64) -> Self {
        let team = Team::create(target.deployment(), Plan::UNLIMITED).await;
        UnderLoad { target, clients: Clients::begin(team, clients), random: Random::seeded() }
    }

    /// Waits until a random number of requests more are acknowledged.
    async fn round(&mut self) {
        self.clients.acknowledge(self.random.within(ROUND)).await;
    }

    /// Kills every process while requests are in progress, and starts all again.
    async fn kill_all(&self) {
        self.target.kill().await;
        self.clients.tell(Phase::Hold);
        self.target.start().await;
        self.clients.tell(Phase::Send);
    }

    /// Compares what is stored with what the clients were answered; returns the counts.
    async fn judge(self) -> String {
        let load = self.clients.end().await;
        verdict::check(&load.team, &load.book.all()).await.to_string()
    }
}
