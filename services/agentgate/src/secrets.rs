//! What is derived from the deployment's key: hashes by which credentials, tenants and idempotency keys are found, and
//! the secrets that sign webhooks. Rows on the store and secrets in use depend on each of them, so none may ever change.

use std::fmt::Write;

use tidegate_agentgate::{KeyId, KeyedHash, OrgId, RunId, WebhookId};
use tidegate_commands::sealing::DeploymentKey;
use tidegate_kernel::command::{ContentFingerprint, IdempotencyKey, KeyHash};

/// The derived hashes and secrets of a deployment.
#[derive(Clone, Debug)]
pub struct Secrets(DeploymentKey);

impl Secrets {
    pub const fn new(key: DeploymentKey) -> Self {
        Secrets(key)
    }

    /// By which a credential is found: a client's key, or a worker's.
    pub fn credential(&self, key: &str) -> KeyedHash {
        KeyedHash(self.0.hash("agentgate/credential", &[key.as_bytes()]))
    }

    /// By which an organization's runs are found by their tenant.
    pub fn tenant(&self, org: OrgId, tenant_id: &str) -> KeyedHash {
        KeyedHash(self.0.hash("agentgate/tenant", &[&org.bits().to_be_bytes(), tenant_id.as_bytes()]))
    }

    /// By which an organization's runs are found by their tenant's user.
    pub fn tenant_user(&self, org: OrgId, user_id: &str) -> KeyedHash {
        KeyedHash(self.0.hash("agentgate/tenant-user", &[&org.bits().to_be_bytes(), user_id.as_bytes()]))
    }

    /// Names a worker of a key.
    pub fn worker(&self, key: KeyId, name: &str) -> KeyedHash {
        KeyedHash(self.0.hash("agentgate/worker", &[&key.bits().to_be_bytes(), name.as_bytes()]))
    }

    /// Of a client's `Idempotency-Key` and the hash of its body's content.
    pub fn idempotency(&self, org: OrgId, key: &str, content: &[u8]) -> IdempotencyKey {
        let org = org.bits().to_be_bytes();
        IdempotencyKey {
            hash: KeyHash(self.0.hash("agentgate/idempotency", &[&org, key.as_bytes()])),
            fingerprint: ContentFingerprint(self.0.hash("agentgate/body", &[&org, content])),
        }
    }

    /// Of the key with which an operator may give a command again, and of what the command says.
    pub fn operator(&self, org: OrgId, key: &str, content: &[u8]) -> IdempotencyKey {
        let org = org.bits().to_be_bytes();
        IdempotencyKey {
            hash: KeyHash(self.0.hash("agentgate/operator-key", &[&org, key.as_bytes()])),
            fingerprint: ContentFingerprint(self.0.hash("agentgate/operator-command", &[&org, content])),
        }
    }

    /// Of the end of a run that a worker reports: the same again gets the same answer.
    pub fn finish(&self, run: RunId, token: u32, content: &[u8]) -> IdempotencyKey {
        let (run, token) = (run.bits().to_be_bytes(), token.to_be_bytes());
        IdempotencyKey {
            hash: KeyHash(self.0.hash("agentgate/finish", &[&run, &token])),
            fingerprint: ContentFingerprint(self.0.hash("agentgate/finish-body", &[&run, content])),
        }
    }

    /// Signs what is sent to a webhook: `whsec_` and 48 hex digits.
    pub fn webhook(&self, webhook: WebhookId) -> String {
        signing(&self.0.derive("agentgate/webhook", &[&webhook.bits().to_be_bytes()]))
    }

    /// Signs what is sent to the `webhookUrl` of an organization's submissions.
    pub fn submissions(&self, org: OrgId) -> String {
        signing(&self.0.derive("agentgate/webhook-url", &[&org.bits().to_be_bytes()]))
    }
}

fn signing(secret: &[u8; 32]) -> String {
    let mut text = String::from("whsec_");
    for byte in &secret[..24] {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
