//! `[alerts]`: how messages reach people.

use tidegate_agentping_settings::SecretText;
use tidegate_commands::sealing::DeploymentKey;
use tidegate_outbound::{Networks, Trust};
use tidegate_pulse::sending::{AlertMailer, MailConfig, MailTls};

use super::key_of;
use super::reader::{ConfigProblem, Reader};

/// The settings of alerts.
#[derive(Clone, Debug)]
pub struct AlertsSection {
    /// Where people reach the control port: messages link there. Without it nothing has a link, and mail cannot be sent.
    pub public_url: Option<String>,
    pub allow_http: bool,
    /// Networks that may be sent to though they are private.
    pub allow_targets: Networks,
    /// The certificate authorities that receivers are believed by.
    pub trust: Trust,
    /// Seals the targets of routes in the store. For distributed deployments: a data folder has its own.
    pub secret: Option<DeploymentKey>,
    /// `None`: no mail is sent.
    pub mail: Option<MailConfig>,
}

pub(super) fn read(reader: &mut Reader) -> AlertsSection {
    let public_url = reader.maybe_url("alerts.public_url").map(|url| url.trim_end_matches('/').to_owned());
    let allow_http = reader.flag("alerts.allow_http", false);
    let targets = reader.list("alerts.allow_targets", "a list of networks such as 10.0.0.0/8", |text| {
        Networks::parse_one(text).is_some()
    });
    // Each was read above.
    let allow_targets = Networks::parse(targets.iter().map(String::as_str)).unwrap_or_default();
    let pem = reader.file("alerts.ca_file");
    let trust = match &pem {
        None => Trust::public(),
        Some(pem) => Trust::public().and_pem(pem.as_bytes()).unwrap_or_else(|error| {
            reader.problem(ConfigProblem::nesting(format!("alerts.ca_file: {error}")));
            Trust::public()
        }),
    };
    let secret = reader.secret("alerts.secret", "alerts.secret_file").and_then(|text| {
        let key = key_of(&text);
        if key.is_none() {
            let text = "alerts.secret: must be 64 hex digits, for example of `openssl rand -hex 32`";
            reader.problem(ConfigProblem::nesting(text.to_owned()));
        }
        key
    });
    let mail = mail(reader, pem.map(String::into_bytes));
    AlertsSection { public_url, allow_http, allow_targets, trust, secret, mail }
}

fn mail(reader: &mut Reader, ca_pem: Option<Vec<u8>>) -> Option<MailConfig> {
    const TLS: [MailTls; 3] = [MailTls::Starttls, MailTls::Implicit, MailTls::None];
    let host = reader.maybe("alerts.smtp_host", "empty, or the name of an SMTP server", |_| true);
    let port = reader.whole("alerts.smtp_port", 587, 1..=65_535) as u16;
    let tls = reader.choice("alerts.smtp_tls", MailTls::Starttls, &TLS, |tls| match tls {
        MailTls::None => "none",
        MailTls::Starttls => "starttls",
        MailTls::Implicit => "tls",
    });
    let user = reader.maybe("alerts.smtp_user", "a text", |_| true);
    let password = reader.secret("alerts.smtp_password", "alerts.smtp_password_file");
    let sender = reader.formed("alerts.smtp_from", "", "a mail address", |_| true);
    let login = user.map(|user| (user, SecretText::new(password.unwrap_or_default())));
    let config = MailConfig { host: host?, port, tls, login, sender, ca_pem };
    match AlertMailer::new(config.clone()) {
        Ok(_) => Some(config),
        Err(error) => {
            reader.problem(ConfigProblem::nesting(format!("alerts.smtp_from: {error}")));
            None
        }
    }
}
