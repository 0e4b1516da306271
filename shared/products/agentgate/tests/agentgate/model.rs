//! The rules of credits, runs and leases again, as plainly as they can be said: no run is ever forgotten, and time goes
//! from one due instant to the next.

use tidegate_agentgate::command::{AskLease, Command, FinishRun, PutOrganization, ReportProgress, SubmitRun};
use tidegate_agentgate::{Answer, Grant, KeyedHash, Refusal, RunId, RunStatus};
use tidegate_kernel::{Month, Timestamp};

pub struct Model {
    pub included: u64,
    pub purchased: u64,
    pub charged: u64,
    pub suspended: bool,
    pub erased: bool,
    pub runs: Vec<ModelRun>,
    allowance: u64,
    concurrency: usize,
    created: i64,
    /// Billing cycles that have begun since the creation.
    cycles: i32,
    /// The time of the last decision.
    now: i64,
}

pub struct ModelRun {
    pub id: RunId,
    pub created: i64,
    pub status: RunStatus,
    pub hold: u64,
    pub iterations: u32,
    price: u64,
    token: u32,
    /// When it fails, whatever happens.
    until: i64,
    /// While it is leased: to whom, until when, and whether the worker has reported.
    lease: Option<(KeyedHash, i64, bool)>,
}

const LATE: i64 = 60_000;
const LEASE: i64 = 60_000;
const RUN_LIMIT: i64 = 30 * 60_000;
const MAX_GRANTS: u32 = 3;

impl ModelRun {
    pub fn is_open(&self) -> bool {
        !self.status.is_terminal()
    }

    pub fn is_queued(&self) -> bool {
        self.is_open() && self.lease.is_none()
    }

    fn due(&self) -> i64 {
        self.lease.map_or(self.until, |(_, expires, _)| expires.min(self.until))
    }

    fn at_work(&mut self, token: u32) -> Result<&mut Self, Refusal> {
        if !self.is_open() {
            return Err(Refusal::NotOpen {});
        }
        if self.token != token || self.lease.is_none() { Err(Refusal::StaleToken {}) } else { Ok(self) }
    }
}

impl Model {
    pub fn new(created: i64, included: u64, purchased: u64) -> Self {
        Model {
            included,
            purchased,
            charged: 0,
            suspended: false,
            erased: false,
            runs: Vec::new(),
            allowance: included,
            concurrency: 10,
            created,
            cycles: 0,
            now: created,
        }
    }

    /// When a record is decided: neither before the last decision, nor after the log took it.
    pub fn time_of(&self, received: i64, appended: i64) -> i64 {
        self.now.max(received.min(appended))
    }

    /// Whether a record is refused because it came to the log late. Those of operators and ticks are not.
    pub fn is_expired(command: &Command, received: i64, appended: i64) -> bool {
        let waits_for_answer = matches!(
            command,
            Command::Submit(_) | Command::Cancel(_) | Command::Lease(_) | Command::Progress(_) | Command::Finish(_)
        );
        waits_for_answer && appended - received > LATE
    }

    pub fn held(&self) -> u64 {
        self.runs.iter().filter(|run| run.is_open()).map(|run| run.hold).sum()
    }

    fn next_cycle(&self) -> i64 {
        let month = |number: i32| Month::from_number(number).start().as_millis();
        let first = Month::of(Timestamp::from_millis(self.created)).number();
        // The organization was made in the middle of a month, which every month has.
        month(first + self.cycles + 1) + self.created - month(first)
    }

    /// Does what is due by `now`.
    pub fn pass(&mut self, now: i64) {
        self.now = now;
        loop {
            let run = self.runs.iter().enumerate().filter(|(_, run)| run.is_open());
            let run = run.map(|(at, run)| (run.due(), run.id, at)).min();
            let cycle = self.next_cycle();
            match run {
                Some((due, _, at)) if due <= now && due < cycle => self.time_out(at, due),
                _ if cycle <= now => {
                    self.cycles += 1;
                    self.included = self.allowance.max(self.held().saturating_sub(self.purchased));
                }
                _ => return,
            }
        }
    }

    fn time_out(&mut self, at: usize, now: i64) {
        let run = &mut self.runs[at];
        if now < run.until && run.token < MAX_GRANTS {
            run.lease = None;
        } else {
            self.end(at, RunStatus::Failed, 0);
        }
    }

    fn end(&mut self, at: usize, status: RunStatus, iterations: u32) {
        let run = &mut self.runs[at];
        run.iterations = run.iterations.max(iterations);
        run.status = status;
        let cost = run.hold.min(run.price * u64::from(run.iterations));
        let from_included = cost.min(self.included);
        self.included -= from_included;
        self.purchased -= cost - from_included;
        self.charged += cost;
    }

    fn find(&self, id: RunId) -> Result<usize, Refusal> {
        self.runs.iter().position(|run| run.id == id && run.is_open()).ok_or(Refusal::NotOpen {})
    }

    /// Decides what reaches the log at `now`, after [`Model::pass`].
    pub fn decide(&mut self, command: &Command, now: i64) -> Result<Answer, Refusal> {
        if self.erased {
            return match command {
                Command::Erase {} | Command::Tick {} => Ok(Answer::Done {}),
                _ if command.sender().is_some() => Err(Refusal::KeyRevoked {}),
                _ => Err(Refusal::Erased {}),
            };
        }
        if self.suspended && command.sender().is_some() {
            return Err(Refusal::Suspended {});
        }
        match command {
            Command::Submit(submit) => self.submit(submit, now),
            Command::Cancel(cancel) => {
                let at = self.find(cancel.run)?;
                self.end(at, RunStatus::Cancelled, 0);
                Ok(Answer::Cancelled { at_ms: Timestamp::from_millis(now) })
            }
            Command::Lease(ask) => Ok(self.lease(ask, now)),
            Command::Progress(report) => self.progress(report, now),
            Command::Finish(finish) => self.finish(finish),
            Command::OrgPut(put) => self.put(put),
            Command::Credit(credit) => {
                self.purchased += credit.cents;
                Ok(Answer::Done {})
            }
            Command::Suspend(suspend) => {
                self.suspended = suspend.suspended;
                Ok(Answer::Done {})
            }
            Command::Erase {} => {
                let mut open: Vec<usize> = (0..self.runs.len()).filter(|at| self.runs[*at].is_open()).collect();
                open.sort_by_key(|at| self.runs[*at].id);
                open.into_iter().for_each(|at| self.end(at, RunStatus::Cancelled, 0));
                (self.suspended, self.erased) = (true, true);
                Ok(Answer::Done {})
            }
            _ => Ok(Answer::Done {}),
        }
    }

    fn submit(&mut self, submit: &SubmitRun, now: i64) -> Result<Answer, Refusal> {
        let available_cents = self.included + self.purchased - self.held();
        let open = self.runs.iter().filter(|run| run.is_open()).count();
        if submit.hold_cents > available_cents {
            return Err(Refusal::CreditsInsufficient { required_cents: submit.hold_cents, available_cents });
        }
        if open >= self.concurrency {
            return Err(Refusal::ConcurrencyReached { limit: self.concurrency as u32, open: open as u32 });
        }
        self.runs.push(ModelRun {
            id: submit.run,
            created: now,
            status: RunStatus::Pending,
            hold: submit.hold_cents,
            iterations: 0,
            price: submit.cents_per_iteration,
            token: 0,
            until: now + submit.pending_limit_ms as i64,
            lease: None,
        });
        Ok(Answer::Submitted { run: submit.run, created_at_ms: Timestamp::from_millis(now) })
    }

    fn lease(&mut self, ask: &AskLease, now: i64) -> Answer {
        let mut runs: Vec<&mut ModelRun> = self.runs.iter_mut().filter(|run| run.is_open()).collect();
        runs.sort_by_key(|run| run.id);
        let leased = |run: &ModelRun| {
            let expires_at_ms = Timestamp::from_millis(run.due());
            Answer::Leased(Grant { run: run.id, token: run.token, expires_at_ms })
        };
        let is_same = |run: &ModelRun| run.lease.is_some_and(|(worker, _, reported)| worker == ask.worker && !reported);
        if let Some(run) = runs.iter().find(|run| is_same(run)) {
            return leased(run);
        }
        let queued = runs.iter_mut().filter(|run| run.is_queued());
        let Some(run) = queued.min_by_key(|run| (run.created, run.id)) else { return Answer::NothingQueued {} };
        if run.status == RunStatus::Pending {
            run.status = RunStatus::Running;
            run.until = now + RUN_LIMIT;
        }
        run.token += 1;
        run.lease = Some((ask.worker, now + LEASE, false));
        leased(run)
    }

    fn progress(&mut self, report: &ReportProgress, now: i64) -> Result<Answer, Refusal> {
        let at = self.find(report.run)?;
        let run = self.runs[at].at_work(report.token)?;
        run.lease = run.lease.map(|(worker, ..)| (worker, now + LEASE, true));
        run.iterations = run.iterations.max(report.iterations);
        Ok(Answer::Renewed { expires_at_ms: Timestamp::from_millis(run.due()) })
    }

    fn finish(&mut self, finish: &FinishRun) -> Result<Answer, Refusal> {
        let at = self.find(finish.run)?;
        self.runs[at].at_work(finish.token)?;
        let status = if finish.error_code.is_some() { RunStatus::Failed } else { RunStatus::Succeeded };
        self.end(at, status, finish.iterations.max(1));
        Ok(Answer::Finished {})
    }

    fn put(&mut self, put: &PutOrganization) -> Result<Answer, Refusal> {
        let included = put.included_cents.unwrap_or(self.included);
        let purchased = put.purchased_cents.unwrap_or(self.purchased);
        let (held_cents, balance_cents) = (self.held(), included + purchased);
        if balance_cents < held_cents {
            return Err(Refusal::BelowHolds { held_cents, balance_cents });
        }
        (self.included, self.purchased) = (included, purchased);
        self.allowance = put.included_cents.unwrap_or(self.allowance);
        self.concurrency = put.concurrency.map_or(self.concurrency, |limit| limit as usize);
        Ok(Answer::Done {})
    }
}
