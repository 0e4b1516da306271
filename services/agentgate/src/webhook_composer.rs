//! Makes the message of a stored delivery, as its receiver is now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_agentgate::views::{
    self, OrderRow, OrganizationRow, Receiver, VerificationRow, WebhookMessage, WebhookRow,
};
use tidegate_agentgate::{MessageId, OrgId, Owner, RunId, WebhookId};
use tidegate_commands::sealing::{Sealer, SealerError};
use tidegate_kernel::SmolStr;
use tidegate_kernel::command::{Delivery, OwnerId, ViewKey};
use tidegate_outbound::{Compose, Composed, RetryPlan};
use tidegate_ports::{StoreError, Views};

use crate::content::{OrderContent, TenantContent, WebhookContent};
use crate::run_object::{Run, Unreadable, open};
use crate::secrets::Secrets;
use crate::webhook_message::WebhookEvent;

/// Five tries over about two hours, the second one after five seconds. A receiver's `Retry-After` makes a pause longer, up
/// to an hour: then five tries take at most about five hours, of the three days that messages are kept.
pub const WEBHOOK_RETRIES: RetryPlan = RetryPlan {
    pauses: &[
        Duration::from_secs(5),
        Duration::from_secs(2 * 60),
        Duration::from_secs(20 * 60),
        Duration::from_secs(90 * 60),
    ],
    jitter_percent: 10,
    asked_at_most: Duration::from_secs(60 * 60),
};

const ERASED: &str = "the organization was erased";

/// Composes what is sent to webhooks and to the `webhookUrl` of submissions.
pub struct WebhookComposer {
    views: Arc<dyn Views>,
    sealer: Sealer,
    secrets: Secrets,
}

/// What an event is about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunEvent {
    run: Run,
    /// As it was sent with the submission.
    tenant_context: Option<TenantContent>,
}

/// Where a message goes.
struct Address {
    url: String,
    headers: Vec<(String, String)>,
    secret: String,
}

/// Why there is no message.
enum NoMessage {
    Never(&'static str),
    NotNow(StoreError),
}

impl WebhookComposer {
    pub fn new(views: Arc<dyn Views>, sealer: Sealer) -> Self {
        let secrets = Secrets::new(sealer.deployment().clone());
        WebhookComposer { views, sealer, secrets }
    }

    async fn message(&self, delivery: &Delivery) -> Result<Composed, NoMessage> {
        let message: WebhookMessage = decoded(&delivery.body)?;
        let id = MessageId::parse(&delivery.id).ok_or(NoMessage::Never("its id is no message's"))?;
        let (order, verification) = self.of_run(message.org, message.run).await?;
        let address = match message.to {
            Receiver::Webhook(webhook) => self.webhook(message.org, webhook).await?,
            Receiver::Order => self.submission(message.org, order.as_ref()).await?,
        };
        let run = Run::opened(&self.sealer, message.run, message.state, order, verification).await?;
        let tenant_context = run.tenant_context().cloned();
        let data = RunEvent { run, tenant_context };
        let event = WebhookEvent { id, kind: message.kind, created_at: message.at_ms, data };
        let Address { url, headers, secret } = address;
        let signed = event.to(url, headers, &secret).map_err(|_| NoMessage::Never("it has no JSON form"))?;
        Ok(Composed::Send(signed))
    }

    /// The rows of a run. Of an erased organization there are none, also while its data key is still in memory.
    async fn of_run(&self, org: OrgId, run: RunId) -> Result<(Option<OrderRow>, Option<VerificationRow>), NoMessage> {
        let keys = [views::organization(org), views::order(run), views::verification(run)];
        let mut docs = self.docs(&keys).await?.into_iter();
        let mut next = || docs.next().flatten();
        let (org, order, verification) = (next(), next(), next());
        let org: Option<OrganizationRow> = org.map(|doc| decoded(&doc)).transpose()?;
        if org.is_some_and(|org| org.erased) {
            return Err(NoMessage::Never(ERASED));
        }
        let order = order.map(|doc| decoded(&doc)).transpose()?;
        Ok((order, verification.map(|doc| decoded(&doc)).transpose()?))
    }

    /// A webhook as it is now: a message that was decided for one that is gone or disabled is not sent.
    async fn webhook(&self, org: OrgId, id: WebhookId) -> Result<Address, NoMessage> {
        let doc = self.docs(&[views::webhook(org, id)]).await?.into_iter().flatten().next();
        let row: WebhookRow = decoded(&doc.ok_or(NoMessage::Never("the webhook was deleted"))?)?;
        if !row.enabled {
            return Err(NoMessage::Never("the webhook is disabled"));
        }
        let content: WebhookContent = open(&self.sealer, Owner::Org(org).log_key(), &row.content).await?;
        let headers = content.headers.unwrap_or_default().into_iter().collect();
        Ok(Address { url: content.url, headers, secret: self.secrets.webhook(id) })
    }

    async fn submission(&self, org: OrgId, order: Option<&OrderRow>) -> Result<Address, NoMessage> {
        let order = order.ok_or(NoMessage::Never("the work order is gone"))?;
        let content: OrderContent = open(&self.sealer, Owner::Org(org).log_key(), &order.content).await?;
        let url = content.webhook_url.ok_or(NoMessage::Never("the work order has no webhookUrl"))?;
        Ok(Address { url, headers: Vec::new(), secret: self.secrets.submissions(org) })
    }

    async fn docs(&self, keys: &[ViewKey]) -> Result<Vec<Option<Vec<u8>>>, NoMessage> {
        self.views.get(keys).await.map_err(NoMessage::NotNow)
    }
}

#[async_trait]
impl Compose for WebhookComposer {
    /// By webhook; of submissions by organization.
    fn queue(&self, delivery: &Delivery) -> SmolStr {
        match serde_json::from_slice::<WebhookMessage>(&delivery.body) {
            Ok(WebhookMessage { to: Receiver::Webhook(id), .. }) => SmolStr::from(id.to_string()),
            Ok(WebhookMessage { to: Receiver::Order, org, .. }) => SmolStr::from(org.to_string()),
            Err(_) => SmolStr::new_static("unreadable"),
        }
    }

    async fn compose(&self, delivery: &Delivery) -> Result<Composed, StoreError> {
        match self.message(delivery).await {
            Ok(composed) => Ok(composed),
            Err(NoMessage::Never(why)) => Ok(Composed::Drop(why)),
            Err(NoMessage::NotNow(error)) => Err(error),
        }
    }
}

impl From<Unreadable> for NoMessage {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Sealer(SealerError::Store { source, .. }) => NoMessage::NotNow(source),
            // That of an erased organization is dropped before. Here this process has another deployment's key, or the
            // data key is yet to be copied: once it has the right one, or by another process, the message is sent.
            Unreadable::Sealer(error @ (SealerError::NoKey { .. } | SealerError::Foreign { .. })) => {
                NoMessage::NotNow(StoreError::Broken(error.to_string().into()))
            }
            Unreadable::Sealer(SealerError::Unsealable(_)) => NoMessage::Never("its content cannot be opened"),
            Unreadable::Content(_) => NoMessage::Never("its content cannot be read"),
        }
    }
}

fn decoded<T: DeserializeOwned>(doc: &[u8]) -> Result<T, NoMessage> {
    serde_json::from_slice(doc).map_err(|_| NoMessage::Never("it cannot be read"))
}

#[cfg(test)]
mod tests {
    use tidegate_agentgate::command::Billing;
    use tidegate_agentgate::views::RunRow;
    use tidegate_agentgate::{EventType, RunStatus, Sealed};
    use tidegate_commands::sealing::DeploymentKey;
    use tidegate_inproc::owner_keys::MemoryOwnerKeys;
    use tidegate_inproc::views::MemoryViews;
    use tidegate_kernel::command::ViewChange;
    use tidegate_kernel::{Position, Timestamp};
    use tidegate_ports::{RandomIds, ViewWrite};

    use super::*;

    const ORG: OrgId = OrgId::from_bits(1);
    const RUN: RunId = RunId::from_bits(2);
    const WEBHOOK: WebhookId = WebhookId::from_bits(3);
    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn sealer(keys: &MemoryOwnerKeys, deployment: u8) -> Sealer {
        let deployment = DeploymentKey::new([deployment; DeploymentKey::BYTES]);
        Sealer::new(Arc::new(keys.clone()), deployment, Arc::new(RandomIds))
    }

    async fn put(rows: &MemoryViews, key: ViewKey, doc: &impl Serialize, offset: i64) {
        let change = ViewChange { key, doc: Some(serde_json::to_vec(doc).unwrap()) };
        let position = Position { generation: 1, partition: 0, offset };
        rows.put(Arc::new(vec![ViewWrite { change, position }])).await.unwrap();
    }

    fn organization(erased: bool) -> OrganizationRow {
        OrganizationRow {
            name: None,
            suspended: erased,
            erased,
            billing: Billing::Ok,
            concurrency: 10,
            requests_per_minute: 100,
            submissions_per_minute: 20,
            created_at_ms: AT,
        }
    }

    async fn webhook(sealer: &Sealer) -> WebhookRow {
        let content = WebhookContent { url: "https://example.com/".to_owned(), description: None, headers: None };
        let content = serde_json::to_vec(&content).unwrap();
        let sealed = sealer.seal(Owner::Org(ORG).log_key(), &content).await.unwrap();
        WebhookRow {
            version: 1,
            enabled: true,
            events: vec![EventType::RunCreated],
            content: Sealed::new(sealed),
            created_at_ms: AT,
            updated_at_ms: None,
        }
    }

    fn delivery() -> Delivery {
        let state = RunRow {
            org: ORG,
            status: RunStatus::Pending,
            created_at_ms: AT,
            started_at_ms: None,
            ended_at_ms: None,
            iterations: 0,
            cost_cents: 0,
            error_code: None,
            result: None,
        };
        let to = Receiver::Webhook(WEBHOOK);
        let message = WebhookMessage { kind: EventType::RunCreated, org: ORG, at_ms: AT, to, run: RUN, state };
        Delivery { id: MessageId::from_bits(4).to_string().into(), body: serde_json::to_vec(&message).unwrap() }
    }

    #[tokio::test]
    async fn what_this_process_cannot_open_waits_and_what_is_of_an_erased_organization_does_not() {
        let (rows, keys) = (MemoryViews::default(), MemoryOwnerKeys::default());
        let able = sealer(&keys, 1);
        able.create(Owner::Org(ORG).log_key()).await.unwrap();
        put(&rows, views::organization(ORG), &organization(false), 1).await;
        put(&rows, views::webhook(ORG, WEBHOOK), &webhook(&able).await, 1).await;
        let composed = async |by: Sealer| WebhookComposer::new(Arc::new(rows.clone()), by).compose(&delivery()).await;
        assert!(matches!(composed(able).await, Ok(Composed::Send(_))));
        let of_another_deployment = sealer(&keys, 2);
        let without_the_data_key = sealer(&MemoryOwnerKeys::default(), 1);
        for unable in [of_another_deployment, without_the_data_key] {
            assert!(matches!(composed(unable).await, Err(StoreError::Broken(_))));
        }
        put(&rows, views::organization(ORG), &organization(true), 2).await;
        assert_eq!(composed(sealer(&keys, 2)).await, Ok(Composed::Drop(ERASED)));
    }
}
