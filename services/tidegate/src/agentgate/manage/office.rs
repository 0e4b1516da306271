//! The ports that the management commands use.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentgate::views::{self, BalanceRow, CredentialRow, OrganizationRow};
use tidegate_agentgate::{AgentGate, Answer, Command, KeyId, OrgId, Owner, Refusal, Sealed};
use tidegate_agentgate_api::Secrets;
use tidegate_commands::sealing::Sealer;
use tidegate_kernel::command::{Attempt, CommandOutcome, Decider, Envelope, IdempotencyKey, OwnerId, ViewKey};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::{Clock, Deliveries, Facts, Ids, Scan, ScanOrder, ViewRow, Views};

use crate::console::Console;
use crate::failure::Failure;

/// Rows read at a time.
const PAGE: usize = 500;

/// Has commands decided.
#[async_trait]
pub trait Decide: Send + Sync {
    /// Returns once the command is decided.
    ///
    /// # Errors
    /// It was not, or nothing is known of it.
    async fn decide(&self, envelope: Envelope<AgentGate>) -> Result<CommandOutcome<AgentGate>, Failure>;
}

/// The ports and settings of a management command.
pub struct Office {
    pub commands: Arc<dyn Decide>,
    pub views: Arc<dyn Views>,
    pub facts: Arc<dyn Facts>,
    pub deliveries: Arc<dyn Deliveries>,
    pub sealer: Sealer,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub console: Console,
    pub json: bool,
}

impl Office {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.sealer.deployment().clone())
    }

    /// Has a command of an owner decided.
    ///
    /// # Errors
    /// It was refused, or could not be decided.
    pub async fn decided(&self, owner: Owner, command: Command) -> Result<Answer, Failure> {
        match self.outcome(owner, command, None).await? {
            CommandOutcome::Answered(answer) | CommandOutcome::Repeated(answer) => Ok(answer),
            CommandOutcome::Refused(refusal) => Err(refused(owner, refusal)),
            CommandOutcome::Mismatched | CommandOutcome::Expired => {
                Err(Failure::broken("the command was decided as one that has an idempotency key, or came too late"))
            }
        }
    }

    /// What becomes of a command of an owner.
    ///
    /// # Errors
    /// It was not decided, or nothing is known of it.
    pub async fn outcome(
        &self,
        owner: Owner,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<CommandOutcome<AgentGate>, Failure> {
        let now = self.now();
        let envelope = Envelope {
            rules: AgentGate::RULES,
            owner,
            attempt: Some(Attempt::mint(now, &self.ids.random())),
            key,
            received_at: now,
            command,
        };
        self.commands.decide(envelope).await
    }

    /// The organization that an argument names.
    ///
    /// # Errors
    /// There is no such organization.
    pub async fn organization(&self, text: &str) -> Result<(OrgId, OrganizationRow), Failure> {
        let unknown = || {
            Failure::refused(format!("there is no organization '{text}'"))
                .hint("`tidegate agentgate orgs list` shows those there are")
        };
        let org = OrgId::parse(text).ok_or_else(unknown)?;
        Ok((org, self.row(views::organization(org)).await?.ok_or_else(unknown)?))
    }

    pub async fn organizations(&self) -> Result<Vec<(OrgId, OrganizationRow)>, Failure> {
        let rows = self.scan(views::ORGANIZATIONS, views::ALL).await?;
        rows.into_iter()
            .map(|row| {
                let org = OrgId::parse(&row.row).ok_or_else(|| unreadable("an organization's row", "its name"))?;
                Ok((org, read(&row.doc)?))
            })
            .collect()
    }

    /// The credits of an organization as they are now.
    pub async fn balance(&self, org: OrgId) -> Result<BalanceRow, Failure> {
        let row: Option<BalanceRow> = self.row(views::balance(org)).await?;
        let row = row.ok_or_else(|| unreadable("an organization", "it has no balance"))?;
        Ok(row.at(self.now()))
    }

    /// The keys of an owner, revoked ones too.
    pub async fn keys(&self, owner: Owner) -> Result<Vec<CredentialRow>, Failure> {
        let rows = self.scan(views::KEYS, &owner.to_string()).await?;
        rows.iter().map(|row| read(&row.doc)).collect()
    }

    /// The key with this id, among these owners.
    pub async fn key_of(&self, owners: &[Owner], key: KeyId) -> Result<Option<CredentialRow>, Failure> {
        let keys: Vec<ViewKey> = owners.iter().map(|owner| views::key_of(*owner, key)).collect();
        for page in keys.chunks(PAGE) {
            if let Some(doc) = self.views.get(page).await?.into_iter().flatten().next() {
                return read(&doc).map(Some);
            }
        }
        Ok(None)
    }

    pub async fn seal(&self, owner: Owner, content: &impl Serialize) -> Result<Sealed, Failure> {
        let text = serde_json::to_vec(content).map_err(|error| Failure::broken(error.to_string()))?;
        Ok(Sealed::new(self.sealer.seal(owner.log_key(), &text).await?))
    }

    pub async fn open<T: DeserializeOwned>(&self, owner: Owner, sealed: &Sealed) -> Result<T, Failure> {
        read(&self.sealer.open(owner.log_key(), sealed.as_str()).await?)
    }

    async fn row<T: DeserializeOwned>(&self, key: ViewKey) -> Result<Option<T>, Failure> {
        let found = self.views.get(&[key]).await?;
        found.into_iter().flatten().next().map(|doc| read(&doc)).transpose()
    }

    async fn scan(&self, view: &'static str, shard: &str) -> Result<Vec<ViewRow>, Failure> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let shard = SmolStr::new(shard);
            let page = self.views.scan(&Scan { view, shard, after, order: ScanOrder::Ascending, limit: PAGE }).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|row| row.row.clone());
            rows.extend(page);
            if is_last {
                return Ok(rows);
            }
        }
    }
}

fn read<T: DeserializeOwned>(doc: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(doc).map_err(|error| unreadable("a row", &error.to_string()).caused_by(error))
}

fn unreadable(what: &str, why: &str) -> Failure {
    Failure::broken(format!("{what} of the store cannot be read: {why}"))
        .or_else("is this release older than the one that wrote it?")
}

/// Nothing is changed of an erased organization.
pub fn erased(owner: impl std::fmt::Display) -> Failure {
    Failure::refused(format!("the organization '{owner}' was erased")).or_else("make another one")
}

/// What an operator reads of a refusal.
pub fn refused(owner: Owner, refusal: Refusal) -> Failure {
    match refusal {
        Refusal::UnknownOrganization {} => Failure::refused(format!("there is no organization '{owner}'"))
            .hint("`tidegate agentgate orgs list` shows those there are"),
        Refusal::Erased {} => erased(owner),
        Refusal::BelowHolds { held_cents, balance_cents } => {
            Failure::refused(format!("the balance would be {balance_cents} cents, and open runs hold {held_cents}"))
                .or_else("choose more, or wait until runs have ended")
        }
        Refusal::TooMuch { limit } => Failure::refused(format!("a balance can be {limit} cents at most")),
        Refusal::ListFull { limit } => {
            Failure::refused(format!("'{owner}' has {limit} keys, and can have no more")).or_else("revoke one")
        }
        other => Failure::refused(format!("the command was refused: {other:?}")),
    }
}
