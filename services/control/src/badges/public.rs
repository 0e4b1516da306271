//! `/badge/{token}.svg`, `.json`, `.shields.json` and `.txt`: what everyone may see of a badge: its label and a word.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tidegate_agentping_alerts::mail;
use tidegate_agentping_settings::{BadgeDoc, kinds};
use tidegate_agentping_verdicts::StandingDoc;
use tidegate_door::entry::with_type;
use tidegate_door::{Entered, framed};

use super::shown::{CACHED, ReadBadge, Shown, Unread};
use super::{TokenDoc, hash};
use crate::agents::is_there;
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Reads;
use crate::standing::Standing;
use crate::weight::Weight;

/// The forms of a badge, by the end of its address.
const FORMS: [&str; 4] = [".svg", ".shields.json", ".json", ".txt"];

/// A badge. It needs no key, and is never unavailable: what cannot be read now is `unknown`.
#[utoipa::path(
    get,
    path = "/badge/{file}",
    operation_id = "read_badge",
    tag = "badges",
    params(("file" = String, Path, description = "The token and `.svg`, `.json`, `.shields.json` or `.txt`.")),
    responses(
        (status = 200, description = "A picture, or the same as JSON or text (`OK`, `NOT_OK`).", body = String, content_type = "image/svg+xml"),
        (status = 404, description = "There is no such badge; a picture says `unknown`.", body = String, content_type = "text/plain"),
        (status = 500, description = "The server failed."),
    ),
)]
pub(crate) async fn read(State(reads): State<Arc<Reads>>, request: Request) -> Response {
    let enter = async move |entered: Entered<Reads>| {
        let Entered { api: reads, mut parts, .. } = entered;
        let file =
            Path::<String>::from_request_parts(&mut parts, &()).await.map_or_else(|_| String::new(), |Path(file)| file);
        let form = FORMS.into_iter().find(|form| file.ends_with(form));
        let token = form.and_then(|form| file.strip_suffix(form)).unwrap_or_default();
        let found = match find(&reads, token).await {
            Ok(found) => found,
            // Those who look at a page must not see our outage as an error of the page.
            Err(Unread) => Some(("status".to_owned(), Shown::Unknown)),
        };
        Ok::<_, Problem>(written(form, found))
    };
    framed(reads, Endpoint::PublicBadge, request, enter).await
}

/// A badge's label and word: as it was read a while ago, or else as it is now. A badge that was removed meanwhile is
/// unknown at once: settings are in memory.
async fn find(reads: &Reads, token: &str) -> Result<Option<(String, Shown)>, Unread> {
    let read = reads.badges.read(token, || reads.now(), read_now(reads, token)).await?;
    let Some(read) = read else { return Ok(None) };
    let settings = reads.managed.mirror.get(&read.team.to_string()).unwrap_or_default();
    let badge = settings.badges.get(read.badge.as_str()).filter(|badge| badge.token == token);
    Ok(badge.map(|badge| (badge.label.to_string(), read.shown)))
}

async fn read_now(reads: &Reads, token: &str) -> Result<Option<ReadBadge>, Problem> {
    let managed = &reads.managed;
    let name = hash(token);
    let Some(found) = reads.ask(managed.documents.get(kinds::BADGES, kinds::BADGE_TOKEN, &name)).await? else {
        return Ok(None);
    };
    let TokenDoc { team, badge: id } = serde_json::from_slice(&found.doc)?;
    let settings = managed.mirror.get(&team.to_string()).unwrap_or_default();
    let Some(badge): Option<&BadgeDoc> = settings.badges.get(id.as_str()).filter(|badge| badge.token == token) else {
        return Ok(None);
    };
    // Until the word is found: the answer itself is small.
    let _permit = reads.permit(Weight::Rows).await?;
    let (now, rows) = (reads.now(), &*managed.rows);
    let named = reads.named(reads.names.clone());
    let agents = reads.ask(named.queries.agents(team));
    let standings = reads.ask(StandingDoc::of_team(rows, team));
    let (agents, standings) = tokio::try_join!(agents, standings)?;
    let of_badge =
        agents.iter().filter(|row| is_there(row, &settings) && badge.is_of(&row.slug, settings.agents.get(&row.slug)));
    let shown = of_badge.map(|row| {
        let standing = Standing::of(row, standings.get(settings.names.key(&row.slug)), &settings, now);
        Shown::of(standing.state, badge.late)
    });
    Ok(Some(ReadBadge { team, shown: shown.min().unwrap_or(Shown::Unknown), badge: id }))
}

fn written(form: Option<&str>, found: Option<(String, Shown)>) -> Response {
    let is_known = found.is_some();
    let (label, shown) = found.unwrap_or_else(|| ("status".to_owned(), Shown::Unknown));
    let mut response = match form {
        Some(".svg") => with_type("image/svg+xml", picture(&label, shown)),
        Some(".shields.json") => {
            let (message, color) = (shown.word(), shown.colour());
            let body = json!({"schemaVersion": 1, "label": label, "message": message, "color": color});
            with_type("application/json", body.to_string())
        }
        Some(".json") => with_type("application/json", json!({"label": label, "status": shown.word()}).to_string()),
        Some(_) => {
            let word = if matches!(shown, Shown::Up | Shown::Late) { "OK\n" } else { "NOT_OK\n" };
            with_type("text/plain; charset=utf-8", word)
        }
        None => with_type("text/plain; charset=utf-8", "There is no such badge.\n"),
    };
    if !is_known && form != Some(".svg") {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHED));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    response
}

/// Two fields of text. A character takes seven pixels, about what it needs in the usual fonts.
fn picture(label: &str, shown: Shown) -> String {
    let width = |text: &str| 12 + 7 * text.chars().count();
    let (left, right, word) = (width(label), width(shown.word()), shown.word());
    let (label, whole) = (mail::escaped(label), left + right);
    let (middle, other) = (left / 2, left + right / 2);
    let colour = shown.colour();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{label}: {word}\">\
         <title>{label}: {word}</title>\
         <rect width=\"{left}\" height=\"20\" fill=\"#424242\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"#{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{middle}\" y=\"14\">{label}</text><text x=\"{other}\" y=\"14\">{word}</text></g></svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_says_both_words_and_nothing_of_a_label_is_markup() {
        let text = picture("<script>\"a\"&", Shown::Late);
        assert!(text.contains("&lt;script&gt;&quot;a&quot;&amp;: late") && !text.contains("<script"), "{text}");
        assert_eq!(text.matches("late").count(), 3);
    }
}
