//! The objects of a file, each with its place and its lines.

use serde_json::{Map, Value};

use super::ConfigFault;
use super::yaml::{Member, Node, NodeValue, parse, to_object};

/// Which object of a team stands there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Team,
    /// By name.
    Route(String),
    /// By slug.
    Agent(String),
    Schedule(String),
    /// By slug and name.
    Check(String, String),
    /// By name.
    Rule(String),
}

impl Place {
    /// As it stands in answers: `agents.daily.schedule`.
    pub fn path(&self) -> String {
        match self {
            Place::Team => "team".to_owned(),
            Place::Route(name) => format!("routes.{name}"),
            Place::Agent(slug) => format!("agents.{slug}"),
            Place::Schedule(slug) => format!("agents.{slug}.schedule"),
            Place::Check(slug, name) => format!("agents.{slug}.checks.{name}"),
            Place::Rule(name) => format!("guard.{name}"),
        }
    }
}

/// An object of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub place: Place,
    node: Node,
    line: usize,
}

impl Placed {
    /// Its members, without those that are objects of their own.
    pub fn members(&self) -> Map<String, Value> {
        match &self.node.value {
            NodeValue::Map(members) => to_object(members),
            NodeValue::Scalar(_) | NodeValue::List(_) => Map::new(),
        }
    }

    /// What is wrong with one of its members, named by its path within the object.
    pub fn fault(&self, member: &str, message: impl Into<String>) -> ConfigFault {
        let inner = self.node.line_of(member);
        let line = if member.is_empty() || inner == self.node.line { self.line } else { inner };
        let place = self.place.path();
        let path = if member.is_empty() { place } else { format!("{place}.{member}") };
        ConfigFault { line, path, message: message.into() }
    }
}

/// Reads a file into its objects, in the order of the file.
///
/// # Errors
/// Every fault of its structure.
pub fn read_file(text: &str) -> Result<Vec<Placed>, Vec<ConfigFault>> {
    let node = parse(text).map_err(|fault| vec![fault])?;
    let mut file = Reading::default();
    let members = match &node.value {
        NodeValue::Map(members) => members.as_slice(),
        NodeValue::Scalar(_) | NodeValue::List(_) => &[],
    };
    if !members.iter().any(|member| member.name == "version") {
        file.faults
            .push(ConfigFault { path: "version".to_owned(), ..ConfigFault::of_file("must be there: version: 1") });
    }
    for member in members {
        match member.name.as_str() {
            "version" if member.node.to_value() == 1 => {}
            "version" => file.wrong(member, "version", "must be 1"),
            "team" => file.object(member, Place::Team),
            "routes" => file.each(member, "routes", |name| Place::Route(name.to_owned())),
            "agents" => file.agents(member),
            "guard" => file.each(member, "guard", |name| Place::Rule(name.to_owned())),
            name => file.wrong(member, name, "is not known; a file has version, team, routes, agents, guard"),
        }
    }
    if file.faults.is_empty() { Ok(file.objects) } else { Err(file.faults) }
}

#[derive(Default)]
struct Reading {
    objects: Vec<Placed>,
    faults: Vec<ConfigFault>,
}

impl Reading {
    fn wrong(&mut self, member: &Member, path: &str, message: &str) {
        self.faults.push(ConfigFault { line: member.line, path: path.to_owned(), message: message.to_owned() });
    }

    /// A map, or nothing after the colon, which is an empty one.
    fn map<'m>(&mut self, member: &'m Member, path: &str) -> Option<&'m [Member]> {
        match &member.node.value {
            NodeValue::Map(members) => Some(members),
            NodeValue::Scalar(Value::Null) => Some(&[]),
            NodeValue::Scalar(_) | NodeValue::List(_) => {
                self.wrong(member, path, "must be a map of members");
                None
            }
        }
    }

    fn object(&mut self, member: &Member, place: Place) {
        let Some(members) = self.map(member, &place.path()) else { return };
        let node = Node { line: member.node.line, value: NodeValue::Map(members.to_vec()) };
        self.objects.push(Placed { place, node, line: member.line });
    }

    fn each(&mut self, member: &Member, path: &str, place: impl Fn(&str) -> Place) {
        for object in self.map(member, path).unwrap_or_default() {
            self.object(object, place(&object.name));
        }
    }

    fn agents(&mut self, agents: &Member) {
        for agent in self.map(agents, "agents").unwrap_or_default() {
            let slug = agent.name.as_str();
            let Some(members) = self.map(agent, &format!("agents.{slug}")) else { continue };
            let (parts, own): (Vec<&Member>, Vec<&Member>) =
                members.iter().partition(|member| matches!(member.name.as_str(), "schedule" | "checks"));
            let own = NodeValue::Map(own.into_iter().cloned().collect());
            let node = Node { line: agent.node.line, value: own };
            self.objects.push(Placed { place: Place::Agent(slug.to_owned()), node, line: agent.line });
            for part in parts {
                if part.name == "schedule" {
                    self.object(part, Place::Schedule(slug.to_owned()));
                } else {
                    let check = |name: &str| Place::Check(slug.to_owned(), name.to_owned());
                    self.each(part, &format!("agents.{slug}.checks"), check);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "\
version: 1
team:
  routes: [ops]
routes:
  ops: {kind: webhook, url: \"${OPS_URL}\"}
agents:
  daily-summary:
    tags: [nightly]
    schedule:
      cron: \"0 2 * * *\"
      tolerance_s: 59
    checks:
      short: {type: length, max: 10}
  bare:
guard:
  daily cap: {limit_usd: 20}
";

    #[test]
    fn a_file_is_a_list_of_objects_with_their_places() {
        let objects = read_file(FILE).unwrap();
        let places: Vec<String> = objects.iter().map(|placed| placed.place.path()).collect();
        assert_eq!(
            places,
            [
                "team",
                "routes.ops",
                "agents.daily-summary",
                "agents.daily-summary.schedule",
                "agents.daily-summary.checks.short",
                "agents.bare",
                "guard.daily cap"
            ]
        );
        assert_eq!(Value::Object(objects[2].members()), json!({"tags": ["nightly"]}));
        let fault = objects[3].fault("tolerance_s", "must be more");
        assert_eq!((fault.line, fault.path.as_str()), (11, "agents.daily-summary.schedule.tolerance_s"));
        assert_eq!(objects[3].fault("timezone", "must be there").line, 9);
        assert_eq!(objects[6].fault("", "is too much").path, "guard.daily cap");
    }

    #[test]
    fn every_fault_of_the_structure_is_named() {
        let text = "verison: 1\nteam: [a]\nagents:\n  a: 5\n  b: {checks: {c: d}}\nroutes: x\n";
        let faults = read_file(text).unwrap_err();
        let found: Vec<(usize, &str)> = faults.iter().map(|fault| (fault.line, fault.path.as_str())).collect();
        let expected =
            [(1, "version"), (1, "verison"), (2, "team"), (4, "agents.a"), (5, "agents.b.checks.c"), (6, "routes")];
        assert_eq!(found, expected);
        assert_eq!(read_file("version: 2").unwrap_err()[0].message, "must be 1");
        assert_eq!(read_file("").unwrap_err()[0].path, "version");
        assert_eq!(read_file("version: 1").unwrap(), []);
    }
}
