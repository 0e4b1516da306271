//! The questions to mail addresses that routes name: an address of a team is asked once a day, and its answer holds for
//! all routes of the team that have it.

use std::collections::BTreeMap;

use tidegate_agentping::TeamId;
use tidegate_agentping_settings::{MailQuestions, RouteDoc, RouteTarget, kinds};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::DocumentWrite;

use crate::call::Call;
use crate::manage::Kept;
use crate::problem::Problem;

/// Which addresses of a team were asked within a day, with those that a change asks. Its write is one of the change's:
/// of two changes at once one is decided anew.
pub(crate) struct Questions {
    team: TeamId,
    now: Timestamp,
    kept: Kept<MailQuestions>,
    is_changed: bool,
}

impl Questions {
    /// Whether the address of a route is asked after its change, and the write that notes it. `before`: the route until
    /// now, if there was one. A route whose question is of today is asked by the same one: it is stored once for its
    /// token.
    ///
    /// # Errors
    /// [`Problem::MailLimited`]; the store's.
    pub async fn of_one(
        call: &Call,
        (id, route): (&str, &RouteDoc),
        before: Option<&RouteDoc>,
    ) -> Result<(bool, Option<DocumentWrite>), Problem> {
        if !route.target.is_unconfirmed() {
            return Ok((false, None));
        }
        let mut questions = Questions::read(call).await?;
        let asked_for = questions.asked_for(route).cloned();
        if before.is_some_and(|before| before.target == route.target) {
            return Ok((asked_for.is_some_and(|asked_for| asked_for == id), None));
        }
        let holder = match &asked_for {
            Some(holder) => Kept::<RouteDoc>::find(&call.reads, call.reader.team, kinds::ROUTE, holder).await?,
            None => None,
        };
        let is_asked = questions.ask((id, route), holder.as_ref().map(|holder| &holder.doc))?;
        Ok((is_asked, questions.write()?))
    }

    /// Those of several routes with new addresses that are asked, and the write that notes it. `after` has the team's
    /// routes as they are after the change.
    ///
    /// # Errors
    /// [`Problem::MailLimited`]; the store's.
    pub async fn of_many(
        call: &Call,
        routes: Vec<(String, RouteDoc)>,
        after: &BTreeMap<SmolStr, RouteDoc>,
    ) -> Result<(Vec<(String, RouteDoc)>, Option<DocumentWrite>), Problem> {
        if routes.is_empty() {
            return Ok((routes, None));
        }
        let mut questions = Questions::read(call).await?;
        let mut asked = Vec::new();
        for (id, route) in routes {
            let holder = questions.asked_for(&route).and_then(|holder| after.get(holder));
            if questions.ask((id.as_str(), &route), holder)? {
                asked.push((id, route));
            }
        }
        Ok((asked, questions.write()?))
    }

    async fn read(call: &Call) -> Result<Self, Problem> {
        let (team, now) = (call.reader.team, call.reads.now());
        let kept = Kept::<MailQuestions>::read(&call.reads, team, kinds::MAIL_QUESTIONS, kinds::WHOLE_TEAM).await?;
        let recent = kept.doc.clone().at(now);
        Ok(Questions { team, now, kept: kept.with(recent), is_changed: false })
    }

    /// The route for which the address of this one was asked within a day.
    fn asked_for(&self, route: &RouteDoc) -> Option<&SmolStr> {
        self.kept.doc.asked_for(self.team, address(route)?)
    }

    /// Notes that a route's new address is asked. `false`: it was asked within a day for another route, `holder`, which
    /// has it still, so that the link of that question confirms this one as well.
    fn ask(&mut self, (id, route): (&str, &RouteDoc), holder: Option<&RouteDoc>) -> Result<bool, Problem> {
        let Some(to) = address(route) else { return Ok(false) };
        let is_of_another = self.asked_for(route).is_some_and(|asked_for| asked_for != id);
        let is_held = holder.and_then(address).is_some_and(|held| held.eq_ignore_ascii_case(to));
        if is_of_another && is_held {
            return Ok(false);
        }
        let asked = self.kept.doc.ask(self.team, to, id, self.now);
        asked.map_err(|limit| Problem::MailLimited { address: route.target.shown(), limit })?;
        self.is_changed = true;
        Ok(true)
    }

    fn write(&self) -> Result<Option<DocumentWrite>, Problem> {
        if !self.is_changed {
            return Ok(None);
        }
        let ends_at = Some(self.now.plus_millis(MailQuestions::DAY_MS));
        Ok(Some(DocumentWrite { ends_at, ..self.kept.write()? }))
    }
}

fn address(route: &RouteDoc) -> Option<&str> {
    match &route.target {
        RouteTarget::Email(mail) => Some(&mail.to),
        _ => None,
    }
}
