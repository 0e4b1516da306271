//! Which routes an agent's messages go to.

use tidegate_agentping::Slug;
use tidegate_agentping_pulse::RoutePolicy;
use tidegate_kernel::SmolStr;

use crate::route::RouteDoc;
use crate::team::TeamSettings;

impl TeamSettings {
    /// The routes that an agent's messages go to, by id: those of the team, or its own, as far as they serve. `None`: those
    /// of the team.
    pub fn routes_of(&self, agent: Option<&Slug>) -> Vec<(&SmolStr, &RouteDoc)> {
        let own = agent.and_then(|agent| self.agents.get(agent));
        let names = match own {
            Some(own) => own.routes.names(&self.team.routes),
            None => self.team.routes.iter().collect(),
        };
        let is_named = |route: &RouteDoc| names.iter().any(|name| **name == route.name);
        self.routes.iter().filter(|(_, route)| route.is_serving() && is_named(route)).collect()
    }

    /// The same, as the judge asks for them.
    pub fn route_policies(&self, agent: &Slug) -> Vec<RoutePolicy<'_>> {
        self.routes_of(Some(agent)).into_iter().map(|(id, route)| route.policy(id)).collect()
    }

    /// The route with this name.
    pub fn route_named(&self, name: &str) -> Option<(&SmolStr, &RouteDoc)> {
        self.routes.iter().find(|(_, route)| route.name == name)
    }
}
