//! The questions to mail addresses that routes name: an address of a team is asked once a day, and its answer holds for
//! all routes of the team that have it.

use std::collections::BTreeMap;

use tidegate_agentping::TeamId;
use tidegate_agentping_settings::{MailQuestions, MailTarget, RouteDoc, RouteTarget, kinds};
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_ports::DocumentWrite;

use crate::call::Call;
use crate::manage::Kept;
use crate::problem::Problem;
use crate::reads::Reads;

/// Which addresses of a team were asked within a day, with those that a change asks. Its write is one of the change's:
/// of two changes at once one is decided anew.
pub(crate) struct Questions {
    team: TeamId,
    now: Timestamp,
    kept: Kept<MailQuestions>,
    is_changed: bool,
}

/// What becomes of an address that has not confirmed for its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressState {
    /// It is asked for this route.
    Asked,
    /// It was asked within the day for another route. The link of that one, while it holds, confirms this one, too.
    Waits,
    /// It confirmed then, for another route of the team.
    Confirmed(Timestamp),
}

/// A route as a change stores it.
pub(crate) struct AskedRoute {
    pub route: RouteDoc,
    /// Whether its address is asked after the change.
    pub is_asked: bool,
    /// The write that notes it, if something is to be noted.
    pub question: Option<DocumentWrite>,
}

/// A mail route of a change that has not confirmed.
pub(crate) struct UnconfirmedRoute {
    pub id: String,
    pub route: RouteDoc,
    /// The route until now, if there was one.
    pub before: Option<RouteDoc>,
}

/// What several routes of a change come to.
pub(crate) struct AskedRoutes {
    /// Those whose addresses are asked after the change.
    pub asked: Vec<(String, RouteDoc)>,
    /// Those that are stored as confirmed.
    pub confirmed: Vec<(String, RouteDoc)>,
    /// The write that notes it, if something is to be noted.
    pub question: Option<DocumentWrite>,
}

impl Questions {
    /// A route as it is stored, and whether its address is asked after that. `before`: the route until now, if there
    /// was one. A route whose question is of today is asked by the same one: it is stored once for its token.
    ///
    /// # Errors
    /// [`Problem::MailLimited`]; the store's.
    pub async fn of_one(
        call: &Call,
        (id, route): (&str, RouteDoc),
        before: Option<&RouteDoc>,
    ) -> Result<AskedRoute, Problem> {
        if !route.target.is_unconfirmed() {
            return Ok(AskedRoute { route, is_asked: false, question: None });
        }
        let mut questions = Questions::read(call).await?;
        let holder = match questions.asked_for(&route) {
            Some(holder) if holder != id => {
                Kept::<RouteDoc>::find(&call.reads, call.reader.team, kinds::ROUTE, holder).await?
            }
            _ => None,
        };
        let state = questions.ask((id, &route), before, holder.as_ref().map(|holder| &holder.doc))?;
        let route = match state {
            AddressState::Confirmed(at) => confirmed(route, before, at, questions.now),
            AddressState::Asked | AddressState::Waits => route,
        };
        Ok(AskedRoute { route, is_asked: state == AddressState::Asked, question: questions.write()? })
    }

    /// The same of several routes. `after` has the team's routes as they are after the change.
    ///
    /// # Errors
    /// [`Problem::MailLimited`]; the store's.
    pub async fn of_many(
        call: &Call,
        routes: Vec<UnconfirmedRoute>,
        after: &BTreeMap<SmolStr, RouteDoc>,
    ) -> Result<AskedRoutes, Problem> {
        let mut all = AskedRoutes { asked: Vec::new(), confirmed: Vec::new(), question: None };
        if routes.is_empty() {
            return Ok(all);
        }
        let mut questions = Questions::read(call).await?;
        for UnconfirmedRoute { id, route, before } in routes {
            let holder = questions.asked_for(&route).and_then(|holder| after.get(holder));
            match questions.ask((id.as_str(), &route), before.as_ref(), holder)? {
                AddressState::Asked => all.asked.push((id, route)),
                AddressState::Waits => {}
                AddressState::Confirmed(at) => {
                    all.confirmed.push((id, confirmed(route, before.as_ref(), at, questions.now)));
                }
            }
        }
        all.question = questions.write()?;
        Ok(all)
    }

    /// A write for whoever confirms addresses of a team: a change that lets a route wait for the same answer meanwhile
    /// is decided anew. `None`: no route can wait now.
    ///
    /// # Errors
    /// The store's.
    pub async fn note_answer(reads: &Reads, team: TeamId) -> Result<Option<DocumentWrite>, Problem> {
        let mut questions = Questions::of_team(reads, team).await?;
        questions.is_changed = questions.kept.is_stored();
        questions.write()
    }

    async fn read(call: &Call) -> Result<Self, Problem> {
        Questions::of_team(&call.reads, call.reader.team).await
    }

    async fn of_team(reads: &Reads, team: TeamId) -> Result<Self, Problem> {
        let now = reads.now();
        let kept = Kept::<MailQuestions>::read(reads, team, kinds::MAIL_QUESTIONS, kinds::WHOLE_TEAM).await?;
        let recent = kept.doc.clone().at(now);
        Ok(Questions { team, now, kept: kept.with(recent), is_changed: false })
    }

    /// The route for which the address of this one was asked within a day.
    fn asked_for(&self, route: &RouteDoc) -> Option<&SmolStr> {
        self.kept.doc.asked_for(self.team, &mail_of(route)?.to)
    }

    /// Decides on a route's address, and notes it. `holder`: the route for which it was asked within a day, if there is
    /// one still.
    fn ask(
        &mut self,
        (id, route): (&str, &RouteDoc),
        before: Option<&RouteDoc>,
        holder: Option<&RouteDoc>,
    ) -> Result<AddressState, Problem> {
        let Some(mail) = mail_of(route) else { return Ok(AddressState::Waits) };
        let is_same = before.is_some_and(|before| before.target == route.target);
        let is_own = self.asked_for(route).is_some_and(|asked_for| asked_for == id);
        if is_own && is_same {
            return Ok(AddressState::Asked);
        }
        let held = holder.filter(|_| !is_own).and_then(|holder| Some((holder, mail_of(holder)?)));
        if let Some((holder, held)) = held.filter(|(_, held)| held.to.eq_ignore_ascii_case(&mail.to)) {
            if let (Some(at), None) = (held.confirmed_at, &holder.disabled) {
                return Ok(AddressState::Confirmed(at));
            }
            // The answer, which may come just now, writes the same document.
            self.is_changed |= !is_same;
            return Ok(AddressState::Waits);
        }
        match self.kept.doc.ask(self.team, &mail.to, id, self.now) {
            Ok(()) => {
                self.is_changed = true;
                Ok(AddressState::Asked)
            }
            // A change of other members is none of the address.
            Err(_) if is_same => Ok(AddressState::Waits),
            Err(limit) => Err(Problem::MailLimited { address: route.target.shown(), limit }),
        }
    }

    fn write(&self) -> Result<Option<DocumentWrite>, Problem> {
        if !self.is_changed {
            return Ok(None);
        }
        let ends_at = Some(self.now.plus_millis(MailQuestions::DAY_MS));
        Ok(Some(DocumentWrite { ends_at, ..self.kept.write()? }))
    }
}

/// The route with the answer that its address has given for another route.
fn confirmed(mut route: RouteDoc, before: Option<&RouteDoc>, at: Timestamp, now: Timestamp) -> RouteDoc {
    if let RouteTarget::Email(mail) = &mut route.target {
        mail.confirmed_at = Some(at);
    }
    match before {
        Some(before) => route.serving_since(before, now),
        None => route,
    }
}

fn mail_of(route: &RouteDoc) -> Option<&MailTarget> {
    match &route.target {
        RouteTarget::Email(mail) => Some(mail),
        _ => None,
    }
}
