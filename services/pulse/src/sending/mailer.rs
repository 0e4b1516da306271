//! Sends mails by the operator's SMTP server.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tidegate_agentping_alerts::MailForm;
use tidegate_agentping_alerts::TryVerdict;
use tidegate_agentping_alerts::verdict::of_reply;
use tidegate_agentping_settings::SecretText;
use tidegate_kernel::Timestamp;
use tokio::sync::Semaphore;

/// Mails at once.
const AT_ONCE: usize = 8;
const WITHIN: Duration = Duration::from_secs(15);

/// Which server takes mails, and how.
#[derive(Clone, Debug)]
pub struct MailConfig {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub login: Option<(String, SecretText)>,
    /// The address of the sender, such as `Tidegate <alerts@example.com>`.
    pub sender: String,
    /// Certificates that are believed besides the public authorities', as PEM.
    pub ca_pem: Option<Vec<u8>>,
}

/// How a connection to the server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// Not at all: for a server on the same machine or network.
    None,
    /// By `STARTTLS`; a server without it is refused.
    Starttls,
    /// From the first byte (usually port 465).
    Implicit,
}

/// Why mails cannot be sent as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailConfigError {
    #[error("the sender '{0}' is no mail address: write alerts@example.com or Name <alerts@example.com>")]
    Sender(String),
    #[error("TLS to the SMTP server cannot be set up: {0}")]
    Tls(String),
}

/// Sends mails. Cheap to clone.
#[derive(Clone)]
pub struct AlertMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    places: Arc<Semaphore>,
}

impl fmt::Debug for AlertMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertMailer").field("sender", &self.sender.to_string()).finish_non_exhaustive()
    }
}

/// What came of a mail.
pub(crate) struct MailOutcome {
    pub verdict: TryVerdict,
    /// The code of the server's reply.
    pub status: Option<u16>,
    pub error: Option<String>,
}

macro_rules! text_header {
    ($type:ident, $name:literal) => {
        #[derive(Clone)]
        struct $type(String);

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($type(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

text_header!(AutoSubmitted, "Auto-Submitted");
text_header!(ListUnsubscribe, "List-Unsubscribe");
text_header!(ListUnsubscribePost, "List-Unsubscribe-Post");

impl AlertMailer {
    /// # Errors
    /// [`MailConfigError`].
    pub fn new(config: MailConfig) -> Result<Self, MailConfigError> {
        let sender: Mailbox = config.sender.parse().map_err(|_| MailConfigError::Sender(config.sender.clone()))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
            .port(config.port)
            .timeout(Some(WITHIN))
            .tls(tls(&config)?);
        if let Some((user, password)) = config.login {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(AlertMailer { transport: builder.build(), sender, places: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Sends a mail once. `id` is the same on each try, and so is the mail's own id.
    pub(crate) async fn send(&self, to: &str, form: &MailForm, id: &str, now: Timestamp) -> MailOutcome {
        let refused = |error: String| MailOutcome { verdict: TryVerdict::Refused, status: None, error: Some(error) };
        let message = match self.message(to, form, id, now) {
            Ok(message) => message,
            Err(error) => return refused(format!("the mail cannot be formed: {error}")),
        };
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        match tokio::time::timeout(WITHIN, self.transport.send(message)).await {
            Err(_) => MailOutcome {
                verdict: of_reply(false),
                status: None,
                error: Some(format!("the SMTP server did not take it within {} s", WITHIN.as_secs())),
            },
            Ok(Ok(reply)) => {
                let status = u16::from(reply.code());
                MailOutcome { verdict: TryVerdict::Sent, status: Some(status), error: None }
            }
            Ok(Err(error)) => MailOutcome {
                verdict: of_reply(error.is_permanent()),
                status: error.status().map(u16::from),
                error: Some(worded(&error)),
            },
        }
    }

    fn message(
        &self,
        to: &str,
        form: &MailForm,
        id: &str,
        now: Timestamp,
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let to: Address = to.parse()?;
        let host = self.sender.email.domain();
        let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
        let mut builder = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(None, to))
            .subject(form.subject.clone())
            .date(at)
            .message_id(Some(format!("<{id}@{host}>")))
            .header(AutoSubmitted("auto-generated".to_owned()));
        if let Some(thread) = &form.thread {
            let thread = format!("<{thread}@{host}>");
            builder = builder.in_reply_to(thread.clone()).references(thread);
        }
        if let Some(url) = &form.unsubscribe_url {
            builder = builder
                .header(ListUnsubscribe(format!("<{url}>")))
                .header(ListUnsubscribePost("List-Unsubscribe=One-Click".to_owned()));
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(form.text.clone(), form.html.clone()))?)
    }
}

fn tls(config: &MailConfig) -> Result<Tls, MailConfigError> {
    let failed = |error: lettre::transport::smtp::Error| MailConfigError::Tls(error.to_string());
    let parameters = || {
        let mut builder = TlsParameters::builder(config.host.clone());
        if let Some(pem) = &config.ca_pem {
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(failed)?);
        }
        builder.build().map_err(failed)
    };
    Ok(match config.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(parameters()?),
        MailTls::Implicit => Tls::Wrapper(parameters()?),
    })
}

/// A failure in words of ours and the code of the server's reply, not in the server's.
fn worded(error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("the SMTP server answered {code}");
    }
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_tls() {
        "cannot be spoken to by TLS"
    } else {
        "cannot be reached, or refused the conversation"
    };
    format!("the SMTP server {what}")
}
