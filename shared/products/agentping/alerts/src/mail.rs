//! A message as a mail: subject, text and HTML, and the headers that are ours. Whoever sends it makes the mail of it.

use std::fmt::Write;

use tidegate_agentping_settings::MailTarget;

use crate::body::MessageBody;
use crate::slack::shortened;
use crate::wording::Wording;

const SUBJECT_CHARS: usize = 200;

/// A mail without its envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct MailForm {
    /// One line, without control characters.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// `None`: no link can be made, since the deployment's own URL is not set.
    pub unsubscribe_url: Option<String>,
    /// What the mails of one incident share: the id of their thread, without a host.
    pub thread: Option<String>,
}

/// Mails have links with tokens.
impl std::fmt::Debug for MailForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailForm").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The link with which an address stops its mails.
pub fn unsubscribe_url(public_url: &str, target: &MailTarget) -> String {
    format!("{}/unsubscribe/{}", public_url.trim_end_matches('/'), target.token.reveal())
}

/// The link with which an address confirms.
pub fn confirm_url(public_url: &str, target: &MailTarget) -> String {
    format!("{}/confirm/{}", public_url.trim_end_matches('/'), target.token.reveal())
}

/// The mail of a message.
pub fn mail_form(body: &MessageBody, target: &MailTarget, public_url: Option<&str>) -> MailForm {
    let Wording { title, facts, list } = Wording::of(body);
    let unsubscribe_url = public_url.map(|public_url| unsubscribe_url(public_url, target));
    let mut text = format!("{}\n\n", one_line(&title));
    let mut html = format!("<!doctype html>\n<html><body><h1>{}</h1>\n<table>\n", escaped(&title));
    for (label, value) in &facts {
        _ = writeln!(text, "{label}: {}", one_line(value));
        _ = writeln!(html, "<tr><th align=\"left\">{label}</th><td>{}</td></tr>", escaped(value));
    }
    html.push_str("</table>\n");
    if !list.is_empty() {
        text.push('\n');
        html.push_str("<ul>\n");
        for line in &list {
            _ = writeln!(text, "- {}", one_line(line));
            _ = writeln!(html, "<li>{}</li>", escaped(line));
        }
        html.push_str("</ul>\n");
    }
    if let Some(url) = &body.url {
        _ = write!(text, "\n{url}\n");
        _ = writeln!(html, "<p><a href=\"{0}\">{0}</a></p>", escaped(url));
    }
    if let Some(url) = &unsubscribe_url {
        _ = write!(text, "\nNo more of these mails: {url}\n");
        _ = writeln!(html, "<p><a href=\"{}\">No more of these mails</a></p>", escaped(url));
    }
    html.push_str("</body></html>\n");
    let mark = if body.status == "resolved" { "resolved" } else { body.severity.as_str() };
    let subject = shortened(&one_line(&format!("[{mark}] {title}")), SUBJECT_CHARS);
    MailForm { subject, text, html, unsubscribe_url, thread: body.incident_id.map(|id| id.text().as_str().to_owned()) }
}

/// The mail that asks an address whether it wants messages.
pub fn confirmation_form(route: &str, team: Option<&str>, confirm_url: &str) -> MailForm {
    let of = team.map_or_else(String::new, |team| format!(" of the team \"{}\"", one_line(team)));
    let what = format!("This address was entered for the alerts{of}, as the route \"{}\".", one_line(route));
    let text = format!(
        "{what}\n\nTo receive them, confirm here:\n{confirm_url}\n\nOtherwise do nothing: no further mail follows.\n"
    );
    let html = format!(
        "<!doctype html>\n<html><body><p>{}</p>\n<p><a href=\"{}\">Confirm</a></p>\n<p>Otherwise do nothing: no further mail follows.</p></body></html>\n",
        escaped(&what),
        escaped(confirm_url)
    );
    let subject = "Please confirm this address for alerts".to_owned();
    MailForm { subject, text, html, unsubscribe_url: None, thread: None }
}

/// Without line breaks and other control characters.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter })
        .collect()
}

/// A foreign text as text or a quoted attribute of HTML and XML. Control characters, which XML cannot have, are spaces.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}
