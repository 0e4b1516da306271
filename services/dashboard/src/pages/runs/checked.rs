//! Runs by what their checks came to: the API finds them, and each is then read as it stands.

use futures_util::future::try_join_all;
use tidegate_agentping::RunId;

use crate::parts::value::Members;
use crate::problem::Problem;
use crate::url::with_query;
use crate::visit::Visit;
use crate::walk::{SeenRun, Walk};

/// A page of them, and the name and value in the query that lead to the next one.
pub(super) async fn page(
    visit: &Visit,
    outcome: &str,
    limit: usize,
) -> Result<(Walk, Option<(&'static str, String)>), Problem> {
    let (limit, passed) = (limit.to_string(), (outcome == "passed").to_string());
    let instant = |name| visit.query(name).and_then(|text| super::instant(text.trim())).map(|at| at.to_string());
    let (from, to) = (instant("from"), instant("to"));
    let names = ["agent", "status", "customer_id", "feature", "cursor"];
    let given = names.map(|name| (name, visit.query(name)));
    let mut query: Vec<(&str, Option<&str>)> = given.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    query.extend([("from", from.as_deref()), ("to", to.as_deref())]);
    query.extend([("limit", Some(limit.as_str())), ("checks_passed", Some(passed.as_str()))]);
    let found = visit.look(&with_query("/v1/runs", &query)).await?.unwrap_or_default();
    let ids = found.rows("runs").iter().filter_map(|run| RunId::parse(run.text("id")).ok());
    let read = |id: RunId| async move {
        let run = visit.pages.ask(visit.queries.run(visit.key_of(id))).await?;
        Ok::<_, Problem>(run.and_then(|run| SeenRun::of(id, run.opening()?.listed_at(), &run, visit.now)))
    };
    let runs = try_join_all(ids.map(read)).await?.into_iter().flatten().collect();
    let next = Some(found.text("next_cursor")).filter(|cursor| !cursor.is_empty());
    Ok((Walk { runs, more: next.is_some() }, next.map(|cursor| ("cursor", cursor.to_owned()))))
}
