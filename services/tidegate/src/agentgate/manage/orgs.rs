//! `tidegate agentgate orgs`.

use serde::Serialize;
use serde_json::json;
use tidegate_agentgate::command::{AddCredit, Billing, PutOrganization, SetSuspension};
use tidegate_agentgate::views::{BalanceRow, OrganizationRow};
use tidegate_agentgate::{Command, OrgId, Owner, TransactionId};
use tidegate_kernel::Timestamp;
use tidegate_kernel::command::OwnerId;
use tidegate_kernel::timestamp::iso;

use super::Office;
use super::office::erased;
use super::once::Given;
use crate::cli::{BillingArg, OrgSettings, OrgsCommand};
use crate::failure::Failure;

/// Characters of a name at most.
const MAX_NAME_CHARS: usize = 200;

/// An organization as commands print it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationJson {
    organization: OrgId,
    /// Empty: it was erased.
    name: String,
    status: &'static str,
    billing: Billing,
    included_cents: u64,
    purchased_cents: u64,
    held_cents: u64,
    available_cents: u64,
    concurrency: u32,
    open_runs: u32,
    requests_per_minute: u32,
    submissions_per_minute: u32,
    #[serde(with = "iso")]
    created_at: Timestamp,
}

pub async fn run(mut office: Office, command: OrgsCommand) -> Result<(), Failure> {
    match command {
        OrgsCommand::Create { name, settings, .. } => {
            let org = create(&office, &name, &settings).await?;
            print(&mut office, org).await
        }
        OrgsCommand::List { .. } => list(&mut office).await,
        OrgsCommand::Show { org, .. } => {
            let (org, _) = office.organization(&org).await?;
            print(&mut office, org).await
        }
        OrgsCommand::Set { org, settings, once, place } => {
            let (org, _) = office.organization(&org).await?;
            let key = once.idempotency_key;
            let given = Given { verb: "set", org, options: settings.words(), key, place: &place };
            carry_out(&mut office, &given, Command::OrgPut(put(&settings))).await
        }
        OrgsCommand::Suspend { org, .. } => suspend(&mut office, &org, true).await,
        OrgsCommand::Resume { org, .. } => suspend(&mut office, &org, false).await,
        OrgsCommand::Erase { org, .. } => erase(&mut office, &org).await,
        OrgsCommand::WebhookSecret { org, .. } => {
            let (org, row) = office.organization(&org).await?;
            if row.erased {
                return Err(erased(org));
            }
            let secret = office.secrets().submissions(org);
            match office.json {
                true => office.console.json(&json!({ "organization": org, "secret": secret })),
                false => office.console.line(format_args!("secret  {secret}")),
            }
            Ok(())
        }
        OrgsCommand::Credit { org, cents, once, place } => {
            let (org, _) = office.organization(&org).await?;
            let transaction = TransactionId::mint(office.now(), &office.ids.random());
            let (options, key) = (vec!["--cents".to_owned(), cents.to_string()], once.idempotency_key);
            let given = Given { verb: "credit", org, options, key, place: &place };
            carry_out(&mut office, &given, Command::Credit(AddCredit { transaction, cents })).await
        }
    }
}

async fn carry_out(office: &mut Office, given: &Given<'_>, command: Command) -> Result<(), Failure> {
    let is_repeat = given.carry_out(office, command).await?;
    if is_repeat && !office.json {
        office.console.line(format_args!("a repeat: it was carried out before with this key, and changed nothing now"));
    }
    // The command itself has not failed: whoever reads this must not give it again.
    let shown = print(office, given.org).await;
    shown.map_err(|failure| failure.in_words(|failure| format!("it was carried out, but cannot be shown: {failure}")))
}

/// Makes an organization.
///
/// # Errors
/// Its name cannot be one, or the command could not be decided.
pub async fn create(office: &Office, name: &str, settings: &OrgSettings) -> Result<OrgId, Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        let text = format!("an organization's name has 1 to {MAX_NAME_CHARS} characters");
        return Err(Failure::config(text));
    }
    let org = OrgId::mint(office.now(), &office.ids.random());
    let owner = Owner::Org(org);
    office.sealer.create(owner.log_key()).await?;
    let name = Some(office.seal(owner, &name).await?);
    office.decided(owner, Command::OrgPut(PutOrganization { new: true, name, ..put(settings) })).await?;
    Ok(org)
}

fn put(settings: &OrgSettings) -> PutOrganization {
    let billing = settings.billing.map(|billing| match billing {
        BillingArg::Ok => Billing::Ok,
        BillingArg::None => Billing::None,
    });
    PutOrganization {
        new: false,
        name: None,
        billing,
        included_cents: settings.included_cents,
        purchased_cents: settings.purchased_cents,
        concurrency: settings.concurrency,
        requests_per_minute: settings.requests_per_minute,
        submissions_per_minute: settings.submissions_per_minute,
    }
}

async fn suspend(office: &mut Office, org: &str, suspended: bool) -> Result<(), Failure> {
    let (org, _) = office.organization(org).await?;
    office.decided(Owner::Org(org), Command::Suspend(SetSuspension { suspended })).await?;
    print(office, org).await
}

/// The decision comes first: after it nothing is sealed under the data key any more. What fails in between is repeated
/// by the same command.
async fn erase(office: &mut Office, org: &str) -> Result<(), Failure> {
    let (org, _) = office.organization(org).await?;
    let owner = Owner::Org(org);
    office.decided(owner, Command::Erase {}).await?;
    let destroyed = office.sealer.erase(owner.log_key()).await.map_err(Failure::from);
    destroyed.map_err(|failure| {
        failure
            .in_words(|failure| format!("'{org}' accepts nothing any more, but its data key is still there: {failure}"))
            .or_else("give the same command again")
    })?;
    print(office, org).await
}

async fn list(office: &mut Office) -> Result<(), Failure> {
    let mut organizations = Vec::new();
    for (org, row) in office.organizations().await? {
        let balance = office.balance(org).await?;
        organizations.push(shown(office, org, row, &balance).await?);
    }
    if office.json {
        office.console.json(&organizations);
        return Ok(());
    }
    let line = |one: &OrganizationJson| {
        [
            one.organization.to_string(),
            one.name.clone(),
            one.status.to_owned(),
            one.available_cents.to_string(),
            one.held_cents.to_string(),
            format!("{}/{}", one.open_runs, one.concurrency),
        ]
    };
    let rows: Vec<_> = organizations.iter().map(line).collect();
    office.console.table(["ORGANIZATION", "NAME", "STATUS", "AVAILABLE (CENTS)", "HELD (CENTS)", "OPEN RUNS"], &rows);
    Ok(())
}

async fn print(office: &mut Office, org: OrgId) -> Result<(), Failure> {
    let (_, row) = office.organization(&org.to_string()).await?;
    let balance = office.balance(org).await?;
    let one = shown(office, org, row, &balance).await?;
    if office.json {
        office.console.json(&one);
        return Ok(());
    }
    let console = &mut office.console;
    let name = if one.name.is_empty() { String::new() } else { format!(" ({})", one.name) };
    console.line(format_args!("organization  {}{name}", one.organization));
    console.line(format_args!("status        {}", one.status));
    console.line(format_args!(
        "credits       {} cents available: {} included + {} purchased − {} held by {} open runs",
        one.available_cents, one.included_cents, one.purchased_cents, one.held_cents, one.open_runs
    ));
    let billing = match one.billing {
        Billing::Ok => "ok",
        Billing::None => "none: submissions are refused",
    };
    console.line(format_args!("billing       {billing}"));
    console.line(format_args!(
        "limits        {} open runs, {} requests and {} submissions a minute",
        one.concurrency, one.requests_per_minute, one.submissions_per_minute
    ));
    Ok(())
}

const fn status(row: &OrganizationRow) -> &'static str {
    match row {
        OrganizationRow { erased: true, .. } => "erased",
        OrganizationRow { suspended: true, .. } => "suspended",
        OrganizationRow { .. } => "active",
    }
}

async fn shown(
    office: &Office,
    org: OrgId,
    row: OrganizationRow,
    balance: &BalanceRow,
) -> Result<OrganizationJson, Failure> {
    let name = match &row.name {
        Some(sealed) => office.open(Owner::Org(org), sealed).await?,
        None => String::new(),
    };
    Ok(OrganizationJson {
        organization: org,
        name,
        status: status(&row),
        billing: row.billing,
        included_cents: balance.included_cents,
        purchased_cents: balance.purchased_cents,
        held_cents: balance.held_cents,
        available_cents: balance.available_cents(),
        concurrency: row.concurrency,
        open_runs: balance.open_runs,
        requests_per_minute: row.requests_per_minute,
        submissions_per_minute: row.submissions_per_minute,
        created_at: row.created_at_ms,
    })
}
