//! `[alerts]`: how messages to a team's routes are sent.

use std::time::Duration;

use tidegate_agentping_settings::SecretText;
use tidegate_outbound::{Networks, PortRule, SendLimits, TargetPolicy, Trust};
use tidegate_pulse::sending::{AlertMailer, MailConfig, MailTls};

use super::reader::{ConfigProblem, Reader};

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct AlertsConfig {
    /// Where people reach the dashboard, without a slash at the end: messages then have links.
    pub public_url: Option<String>,
    /// Which receivers of webhooks are connected to.
    pub targets: TargetPolicy,
    /// The certificate authorities that they are believed by.
    pub trust: Trust,
    /// `None`: this deployment sends no mail.
    pub mailer: Option<AlertMailer>,
}

impl AlertsConfig {
    /// A receiver answers within 15 seconds (AgentPing: webhooks).
    pub const LIMITS: SendLimits =
        SendLimits { whole: Duration::from_secs(15), connect: Duration::from_secs(5), body_bytes: 64 << 10 };
}

pub(super) fn read(reader: &mut Reader) -> AlertsConfig {
    let public_url = reader.maybe_url("alerts.public_url").map(|url| url.trim_end_matches('/').to_owned());
    let allow_http = reader.flag("alerts.allow_http", false);
    let networks = reader.list("alerts.allow_targets", "a list of networks such as 10.0.0.0/8", |text| {
        Networks::parse_one(text).is_some()
    });
    // Each was read above.
    let networks = Networks::parse(networks.iter().map(String::as_str)).unwrap_or_default();
    let targets = TargetPolicy { allow_http, networks, ports: PortRule::OwnOrHigh };
    let pem = reader.file("alerts.ca_file");
    let trust = trust(reader, pem.as_deref());
    let mailer = mailer(reader, pem);
    AlertsConfig { public_url, targets, trust, mailer }
}

/// The public authorities, and those of the file.
fn trust(reader: &mut Reader, pem: Option<&str>) -> Trust {
    let Some(pem) = pem else { return Trust::public() };
    Trust::public().and_pem(pem.as_bytes()).unwrap_or_else(|error| {
        reader.problem(ConfigProblem::nesting(format!("alerts.ca_file: {error}")));
        Trust::public()
    })
}

fn mailer(reader: &mut Reader, ca_pem: Option<String>) -> Option<AlertMailer> {
    let host = reader.maybe("alerts.smtp_host", "a name or an address", |host| !host.contains([' ', '/', '@']));
    let port = reader.whole("alerts.smtp_port", 587, 1..=65_535) as u16;
    let all = [MailTls::Starttls, MailTls::Implicit, MailTls::None];
    let tls = reader.choice("alerts.smtp_tls", MailTls::Starttls, &all, |tls| match tls {
        MailTls::Starttls => "starttls",
        MailTls::Implicit => "implicit",
        MailTls::None => "none",
    });
    let user = reader.maybe("alerts.smtp_user", "a text", |_| true);
    let password = reader.secret("alerts.smtp_password", "alerts.smtp_password_file");
    let sender = reader.maybe("alerts.smtp_sender", "an address such as Tidegate <alerts@example.com>", |_| true);
    let host = host?;
    let mut problem = |text: String| reader.problem(ConfigProblem::nesting(text));
    let Some(sender) = sender else {
        problem(format!("alerts.smtp_sender: must be set with alerts.smtp_host = {host:?}: mails come from it"));
        return None;
    };
    let login = match (user, password) {
        (None, None) => None,
        (Some(user), Some(password)) => Some((user, SecretText::new(password.trim_end()))),
        (user, _) => {
            let missing =
                if user.is_some() { "alerts.smtp_password or alerts.smtp_password_file" } else { "alerts.smtp_user" };
            problem(format!("{missing}: must be set, too: an SMTP server takes a user with a password"));
            None
        }
    };
    let config = MailConfig { host, port, tls, login, sender, ca_pem: ca_pem.map(String::into_bytes) };
    AlertMailer::new(config).map_err(|error| problem(format!("alerts.smtp_*: {error}"))).ok()
}
