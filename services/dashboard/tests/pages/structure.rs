//! Pages as assistive technology reads them: ids that are there once, labels and headings that lead somewhere.

use std::collections::BTreeSet;

use tidegate_agentping::FinishStatus;
use tidegate_agentping_pulse::{AlertKind, IncidentOrigin};

use crate::house::*;
use crate::incidents::incident;

/// The values of an attribute.
fn values<'p>(page: &'p str, attribute: &str) -> Vec<&'p str> {
    page.split(&format!(" {attribute}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn ids_are_there_once_and_labels_lead_to_them() {
    let house = House::open().await;
    house.tell(team(1), run_id(1), start("nightly").customer("acme").feature("search").metadata("{}")).await;
    house.tell(team(1), run_id(1), vec![event(1).llm("m", Some("0.5")), event(2).kind("log")]).await;
    house.tell(team(1), run_id(1), finish(FinishStatus::Failed).output("{}")).await;
    let cookie = house.sign_in(KEY_A).await;
    let run = format!("/runs/{}", run_id(1));
    let failed = incident(1, AlertKind::RunFailed, IncidentOrigin::Run(run_id(1)));
    house.judged(failed.rows(team(1))).await;
    let incident = format!("/incidents/{}", failed.id);
    let pages = [
        "",
        "/agents",
        "/agents/nightly",
        "/runs",
        &run,
        "/spend",
        "/guard",
        "/alerts",
        &incident,
        "/routes",
        "/quotas",
        "/rates",
        "/keys",
        "/config",
    ];
    for path in pages {
        let page = house.get(Some(&cookie), &format!("/teams/acme{path}")).await;
        let text = page.ok();
        let ids = values(text, "id");
        let distinct: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "{path}: {ids:?}");
        for attribute in ["for", "aria-labelledby", "aria-describedby"] {
            for id in values(text, attribute) {
                assert!(distinct.contains(id), "{path}: {attribute}=\"{id}\" leads nowhere");
            }
        }
        // Every field has a label, every table a name, every picture a text or none to read.
        for tag in ["<input ", "<select ", "<textarea "] {
            for field in text.split(tag).skip(1).map(|rest| rest.split('>').next().unwrap()) {
                let field = format!(" {field}");
                let id = values(&field, "id").first().copied();
                let labelled = id.is_some_and(|id| text.contains(&format!("for=\"{id}\"")));
                assert!(labelled || field.contains("type=\"hidden\""), "{path}: {field}");
            }
        }
        assert_eq!(
            text.matches("<svg").count(),
            text.matches("aria-hidden=\"true\" focusable=\"false\"").count(),
            "{path}"
        );
        // What is scrolled and what is navigated has a name of its own, so that lists of landmarks say where each leads.
        let names = values(text, "aria-label");
        let apart: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), apart.len(), "{path}: {names:?}");
        let scrolled = text.matches("<div class=\"scroll\"").count();
        let grouped = text.matches("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"").count();
        assert_eq!(scrolled, grouped, "{path}: a landmark for each table would be too many");
        assert_eq!(text.matches("<img").count(), text.matches("alt=\"").count(), "{path}");
        assert_eq!(text.matches("aria-current=\"page\"").count() - usize::from(path == "/spend"), 1, "{path}");
        let order: Vec<char> = text
            .match_indices("<h")
            .filter_map(|(at, _)| text[at + 2..].chars().next())
            .filter(char::is_ascii_digit)
            .collect();
        assert!(
            order.first() == Some(&'1') && order.windows(2).all(|two| two[1] <= char::from(two[0] as u8 + 1)),
            "{path}: {order:?}"
        );
    }
}
