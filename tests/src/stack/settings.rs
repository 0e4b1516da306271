//! What a distributed deployment is made of, and the configuration file that says so.

use super::Addresses;
use crate::clock::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::ids;
use crate::process::{Limit, Streams};
use crate::receiver;

/// How persisters form a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    Classic,
    /// The protocol of Kafka 4.
    Consumer,
}

/// Where shedding by number of records ends, begins and is total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub leave: u64,
    pub enter: u64,
    pub full: u64,
}

/// A deployment to be. Its name is what its topics, keyspace and keys are called after.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name: String,
    pub region: &'static str,
    pub front_doors: usize,
    pub persisters: usize,
    /// Replicas of control: one at least.
    pub controls: usize,
    /// Front doors of AgentGate, and as many deciders.
    pub agentgate: usize,
    /// Judges of schedules, of which one is active.
    pub judges: usize,
    /// Persisters that are started only by name: they follow the others in number.
    pub spare_persisters: usize,
    pub partitions: u32,
    pub protocol: GroupProtocol,
    /// The stack's, unless it has one of its own: `redis://host:port`.
    pub redis_url: Option<String>,
    /// The stack's, unless it has one of its own: `host:port`.
    pub kafka: Option<String>,
    /// The stack's, unless it is reached by another way: `host:port`.
    pub cql: Option<String>,
    /// Further settings: section, key, value in TOML.
    pub more: Vec<(&'static str, &'static str, String)>,
    /// How long Redis may take to answer before the gate counts as down.
    pub redis_patience_ms: i64,
    pub shed_records: Option<Lines>,
    /// Whether its clock will be moved: by the moved clock any record that waits is as old as the clock is ahead,
    /// so age must not count.
    pub moving_clock: bool,
    /// Where the processes' standard output and error lead.
    pub streams: Streams,
    /// How many files each may have open.
    pub limit: Option<Limit>,
}

impl Default for Settings {
    /// Two front doors, two persisters, control; a new name.
    fn default() -> Self {
        Settings {
            name: format!("t{}", ids::nonce()),
            region: "eu",
            front_doors: 2,
            persisters: 2,
            controls: 1,
            agentgate: 0,
            judges: 0,
            spare_persisters: 0,
            partitions: 6,
            protocol: GroupProtocol::Consumer,
            redis_url: None,
            kafka: None,
            cql: None,
            more: Vec::new(),
            // Tests that are not about a Redis in trouble want its answers, on a machine that holds it up for a while, too.
            redis_patience_ms: 15 * SECOND_MS,
            shed_records: None,
            moving_clock: false,
            streams: Streams::default(),
            limit: None,
        }
    }
}

impl Settings {
    /// For suites that move the clock.
    pub fn with_a_moving_clock() -> Self {
        // What only adds to an answer is waited for, too: what it says is tested here, on a busy machine as well.
        let patient = ("admission", "store_extra_timeout_ms", (2 * SECOND_MS).to_string());
        Settings { moving_clock: true, more: vec![patient], ..Settings::default() }
    }

    /// One of each role, two judges of schedules, and alerts that reach a [receiver](crate::receiver) on loopback.
    pub fn of_schedules() -> Self {
        let named = [
            ("allow_targets", "[\"127.0.0.0/8\"]".to_owned()),
            ("ca_file", format!("{:?}", receiver::ca_file())),
            ("secret", format!("{:?}", "7a".repeat(32))),
        ];
        let alerts = named.map(|(name, value)| ("alerts", name, value));
        Settings { judges: 2, moving_clock: true, more: alerts.into(), ..Settings::small() }
    }

    /// Two front doors of AgentGate and two deciders, and one of each other role.
    pub fn of_agentgate() -> Self {
        Settings { agentgate: 2, ..Settings::small() }
    }

    /// One of each role.
    pub fn small() -> Self {
        Settings { front_doors: 1, persisters: 1, ..Settings::default() }
    }

    pub fn keyspace(&self) -> String {
        format!("{}_{}", self.name, self.region)
    }

    /// What this region's topics, groups and keys begin with.
    pub fn prefix(&self) -> String {
        format!("{}.{}", self.name, self.region)
    }

    pub fn records_topic(&self) -> String {
        format!("{}.records.g1", self.prefix())
    }

    pub fn dead_letters_topic(&self) -> String {
        format!("{}.dead-letters.g1", self.prefix())
    }

    /// AgentGate's topic.
    pub fn commands_topic(&self) -> String {
        format!("{}.agentgate.{}.records.g1", self.name, self.region)
    }

    /// The consumer group of AgentGate's deciders.
    pub fn deciders_group(&self) -> String {
        format!("{}.agentgate.{}.decider.g1", self.name, self.region)
    }

    /// AgentGate's keyspace.
    pub fn commands_keyspace(&self) -> String {
        format!("{}_agentgate", self.keyspace())
    }

    /// The persisters' consumer group.
    pub fn group(&self) -> String {
        format!("{}.persister.g1", self.prefix())
    }

    /// The configuration file of all its roles.
    pub fn file(&self, stack: &Addresses) -> String {
        let Settings { name, region, partitions, .. } = self;
        let (kafka, cql) = (self.kafka.as_ref().unwrap_or(&stack.kafka), self.cql.as_ref().unwrap_or(&stack.cql));
        let keyspace = self.keyspace();
        let redis = self.redis_url.clone().unwrap_or_else(|| format!("redis://{}", stack.redis));
        let protocol = match self.protocol {
            GroupProtocol::Classic => "classic",
            GroupProtocol::Consumer => "consumer",
        };
        let admission: Vec<String> = self.shed_lines().chain(self.patience()).collect();
        let file = format!(
            "region = \"{region}\"\nstart_timeout_ms = {patience}\n\n\
             [kafka]\nbrokers = \"{kafka}\"\ntopic_prefix = \"{name}\"\npartitions = {partitions}\nreplication = 1\n\
             min_insync_replicas = 1\nretention_hours = {retention}\ngroup_protocol = \"{protocol}\"\nsession_timeout_ms = {session}\n\n\
             [redis]\nurls = [\"{redis}\"]\nresponse_timeout_ms = {redis_patience}\n\n\
             [scylla]\nnodes = [\"{cql}\"]\nkeyspace = \"{keyspace}\"\nreplication = \"1\"\nrequest_timeout_ms = {patient}\n\n\
             [persister]\ndrain_ms = {drain}\n\n\
             [ingest]\ndrain_ms = {slowest}\n\n\
             [agentgate]\nsecret = \"{secret}\"\n{receivers}\n\
             [admission]\ngate_timeout_ms = {gate_patience}\nstore_timeout_ms = {store_patience}\n{admission}\n",
            // Tests share the stack and the machine: a change of the schema may take its time.
            patience = 4 * MINUTE_MS,
            patient = 10 * SECOND_MS,
            redis_patience = self.redis_patience_ms,
            gate_patience = self.redis_patience_ms + 100,
            store_patience = 2 * SECOND_MS,
            slowest = 45 * SECOND_MS,
            // Longer than the longest line of age.
            retention = 40 * DAY_MS / HOUR_MS,
            // A killed persister's partitions are taken over soon.
            session = 10 * SECOND_MS,
            drain = 6 * SECOND_MS,
            secret = "5e".repeat(32),
            receivers = receiver::settings().map(|(name, value)| format!("{name} = \"{value}\"\n")).concat(),
            admission = admission.join("\n"),
        );
        self.with_more(file)
    }

    /// The file with what this deployment sets besides.
    fn with_more(&self, file: String) -> String {
        if self.more.is_empty() {
            return file;
        }
        let mut file: toml::Table = file.parse().expect("the file above is TOML");
        for (section, key, value) in &self.more {
            let given: toml::Table = format!("{key} = {value}").parse().expect("a test's own TOML");
            let section = file.entry(*section).or_insert_with(|| toml::Table::new().into());
            section.as_table_mut().expect("a section").extend(given);
        }
        file.to_string()
    }

    fn shed_lines(&self) -> impl Iterator<Item = String> {
        self.shed_records.into_iter().flat_map(|Lines { leave, enter, full }| {
            [("leave", leave), ("enter", enter), ("full", full)].map(|(line, at)| format!("shed_records_{line} = {at}"))
        })
    }

    fn patience(&self) -> impl Iterator<Item = String> {
        let month = 30 * DAY_MS;
        let lines = [
            ("claim_window_ms", month),
            ("shed_age_full_ms", month - 1),
            ("shed_age_enter_ms", month - 2),
            ("shed_age_leave_ms", month - 2),
        ];
        lines.into_iter().filter(|_| self.moving_clock).map(|(key, value)| format!("{key} = {value}"))
    }
}
