//! All agents that the judge knows, by id, with their due times.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tidegate_agentping::{AgentId, Slug, TeamId};
use tidegate_agentping_ports::FeedEntry;
use tidegate_agentping_ports::registry::agent_id;
use tidegate_agentping_pulse::watermark::PartitionId;
use tidegate_agentping_pulse::{Doubt, Doubts};
use tidegate_agentping_settings::TeamSettings;
use tidegate_kernel::{SmolStr, Timestamp};
use tidegate_mirror::Mirror;

use super::changes::forgotten_at;
use super::doubts::is_canary;
use super::due::DueTimes;
use super::findings::Findings;
use super::open_run::finish_status;
use super::outbox::Routes;
use super::run_tree::RunTree;
use super::state::shard_of;
use super::watching::{Bench, Dues, Watching};

/// What everyone is judged by in a turn.
pub struct Turn<'t> {
    pub to: Timestamp,
    /// Up to where what teams have set does not change any more.
    pub settled_to: Timestamp,
    pub doubts: &'t [Doubt],
    /// By team.
    pub doubts_of_teams: &'t HashMap<TeamId, Vec<Doubt>>,
    /// Up to where the runs of each partition are judged, and up to where those of any are.
    pub run_clocks: &'t BTreeMap<PartitionId, Timestamp>,
    pub runs_to: Timestamp,
    /// Up to where the run is judged that a row of the feed ends: it waits for no volume, since its end is not lost.
    pub row_to: Timestamp,
}

/// All agents.
pub struct Agents {
    all: HashMap<AgentId, Watching>,
    of_teams: HashMap<TeamId, Vec<AgentId>>,
    settings: HashMap<TeamId, (SmolStr, Arc<TeamSettings>)>,
    none_set: Arc<TeamSettings>,
    routes: Arc<dyn Routes>,
    slots_due: DueTimes,
    runs_due: DueTimes,
    /// When agents are forgotten that were deleted.
    forget_due: DueTimes,
    tree: RunTree,
    /// Shards in which something changed since they were saved.
    pub changed: HashSet<u8>,
    /// Agents that were touched and not yet shown.
    touched: HashSet<AgentId>,
    /// Up to where slots are judged.
    judged_to: Timestamp,
    /// Of each shard: up to where its agents were judged when it was saved. An agent that was new since is new again.
    saved_to: Vec<Timestamp>,
}

impl Agents {
    pub fn new(routes: Arc<dyn Routes>) -> Self {
        Agents {
            all: HashMap::new(),
            of_teams: HashMap::new(),
            settings: HashMap::new(),
            none_set: Arc::default(),
            routes,
            slots_due: DueTimes::default(),
            runs_due: DueTimes::default(),
            forget_due: DueTimes::default(),
            tree: RunTree::default(),
            changed: HashSet::new(),
            touched: HashSet::new(),
            judged_to: Timestamp::FIRST,
            saved_to: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn judged_to(&self) -> Timestamp {
        self.judged_to
    }

    /// New agents are judged from there on, or from where the state of their shard is.
    pub fn begin_at(&mut self, judged_to: Timestamp, saved_to: Vec<Timestamp>) {
        (self.judged_to, self.saved_to) = (judged_to, saved_to);
    }

    /// All shards have had all that was read before: who is new now is new.
    pub fn caught_up(&mut self) {
        self.saved_to = Vec::new();
    }

    pub fn get(&self, agent: AgentId) -> Option<&Watching> {
        self.all.get(&agent)
    }

    /// All agents of a shard.
    pub fn of_shard(&self, shard: u8) -> impl Iterator<Item = &Watching> {
        self.all.iter().filter(move |(id, _)| shard_of(**id) == shard).map(|(_, watching)| watching)
    }

    /// Takes in an agent as it was saved, or as the store knows it.
    pub fn add(&mut self, watching: Watching) {
        let (id, team) = (watching.id(), watching.team);
        self.tree.set(team, id, watching.open(), self.judged_to);
        if self.all.insert(id, watching).is_none() {
            self.of_teams.entry(team).or_default().push(id);
        }
        self.plan(id);
    }

    /// Begins with the agents that had runs before, and what is set.
    pub fn begin_with(&mut self, seen: Vec<(TeamId, Slug, Timestamp)>, mirror: &Mirror<TeamSettings>) {
        let last = seen.iter().map(|(team, slug, at)| (agent_id(*team, slug), *at)).collect();
        self.follow_with(mirror, &last);
        for (team, slug, _) in seen {
            self.add_new(team, slug, &last);
        }
    }

    /// An agent of which nothing is known yet but its last opening.
    fn add_new(&mut self, team: TeamId, slug: Slug, last_openings: &HashMap<AgentId, Timestamp>) {
        let id = agent_id(team, &slug);
        if !self.all.contains_key(&id) && !is_canary(team) {
            let (settings, last_opening) = (self.settings_of(team), last_openings.get(&id).copied());
            let begin = self.saved_to.get(usize::from(shard_of(id))).copied().unwrap_or(self.judged_to);
            self.add(Watching::new(team, slug, last_opening, begin, &settings));
            self.changed.insert(shard_of(id));
            self.touched.insert(id);
        }
    }

    /// Takes in what teams have set anew.
    pub fn follow(&mut self, mirror: &Mirror<TeamSettings>) {
        self.follow_with(mirror, &HashMap::new());
    }

    fn follow_with(&mut self, mirror: &Mirror<TeamSettings>, last_openings: &HashMap<AgentId, Timestamp>) {
        let (mut there, judged_to) = (HashSet::new(), self.judged_to);
        let mut again: Vec<TeamId> = Vec::new();
        for (space, settings) in mirror.all() {
            let Ok(team) = TeamId::parse(&space) else { continue };
            there.insert(team);
            if self.settings.get(&team).is_some_and(|(_, known)| Arc::ptr_eq(known, &settings)) {
                continue;
            }
            self.settings.insert(team, (space, settings.clone()));
            let is_kept = |name: &&Slug| forgotten_at(&settings, name).is_none_or(|at| at > judged_to);
            for name in settings.schedules.keys().filter(is_kept) {
                self.add_new(team, settings.names.key(name).clone(), last_openings);
            }
            again.push(team);
        }
        again.extend(self.settings.keys().filter(|team| !there.contains(team)));
        self.settings.retain(|team, _| there.contains(team));
        for team in again {
            for id in self.of_teams.get(&team).cloned().unwrap_or_default() {
                self.plan(id);
            }
        }
    }

    /// A row of the feed.
    pub fn fed(&mut self, entry: &FeedEntry, turn: &Turn<'_>, findings: &mut Findings) {
        let row = &entry.row;
        let id = agent_id(row.team, &row.agent);
        if let Some(before) = row.moved_from.as_ref().filter(|before| before.agent != row.agent) {
            let (run, at) = (row.run, row.received_at);
            let other = agent_id(row.team, &before.agent);
            self.with(other, turn, |watching, bench| watching.lost(run, at, bench, findings));
            self.set_tree(other, at);
        }
        self.add_new(row.team, row.agent.clone(), &HashMap::new());
        self.with(id, turn, |watching, bench| watching.fed(entry, bench, findings));
        self.set_tree(id, row.received_at);
        self.pass_on(turn, findings);
    }

    /// A row that its agent has had, and the agent of the run above may not have.
    pub fn fed_again(&mut self, entry: &FeedEntry, turn: &Turn<'_>, findings: &mut Findings) {
        let row = &entry.row;
        let ended = finish_status(row.status).filter(|_| row.did.ended && !row.replayed);
        let failed = |status| self.tree.failed(row.team, (row.run, row.parent), status, row.received_at);
        findings.failed_children.extend(ended.and_then(failed));
        self.pass_on(turn, findings);
    }

    /// Shows failures of runs at those above them.
    fn pass_on(&mut self, turn: &Turn<'_>, findings: &mut Findings) {
        for failed in std::mem::take(&mut findings.failed_children) {
            self.with(failed.root.agent, turn, |watching, bench| watching.child_failed(&failed, bench, findings));
        }
    }

    fn set_tree(&mut self, id: AgentId, at: Timestamp) {
        if let Some(watching) = self.all.get(&id) {
            self.tree.set(watching.team, id, watching.open(), at);
        }
    }

    /// Judges every agent that is due. Returns how many there were.
    pub fn advance(&mut self, turn: &Turn<'_>, findings: &mut Findings) -> usize {
        // Runs first: they go by schedules of a time that slots leave behind.
        let mut advanced = self.check_runs(turn, findings);
        while let Some(id) = self.slots_due.next(turn.to) {
            self.with(id, turn, |watching, bench| watching.advance(bench, findings));
            advanced += 1;
        }
        self.judged_to = self.judged_to.max(turn.to);
        advanced
    }

    fn check_runs(&mut self, turn: &Turn<'_>, findings: &mut Findings) -> usize {
        let mut advanced = 0;
        let Some(newest) = turn.run_clocks.values().max().map(|at| turn.runs_to.min(*at)) else { return advanced };
        let mut waiting = Vec::new();
        while let Some(id) = self.runs_due.next(newest) {
            self.with(id, turn, |watching, bench| watching.check_runs(bench, findings));
            self.set_tree(id, newest);
            self.pass_on(turn, findings);
            // One whose partition is behind is due again once the others have gone on.
            let due = self.dues_of(id).runs;
            self.runs_due.set(id, None);
            waiting.push((id, due.map(|due| due.max(newest.plus_millis(1_000)))));
            advanced += 1;
        }
        for (id, due) in waiting {
            self.runs_due.set(id, due);
        }
        advanced
    }

    /// Adds the rows of agents that have changed to the findings. `rank` is greater than any before.
    pub fn show(&mut self, at: Timestamp, rank: u64, findings: &mut Findings) {
        for id in std::mem::take(&mut self.touched) {
            let Some(watching) = self.all.get_mut(&id) else { continue };
            if let Some(doc) = watching.standing(at) {
                findings.row(doc.row(watching.team, &watching.slug, rank));
            }
        }
    }

    /// Forgets agents that were deleted long before `to`. They have been shown: nothing of them changes any more.
    pub fn forget(&mut self, to: Timestamp) {
        while let Some(id) = self.forget_due.next(to) {
            let Some(Watching { team, .. }) = self.all.remove(&id) else { continue };
            self.tree.set(team, id, &[], to);
            self.slots_due.set(id, None);
            self.runs_due.set(id, None);
            if let Some(of_team) = self.of_teams.get_mut(&team) {
                of_team.retain(|known| *known != id);
                if of_team.is_empty() {
                    self.of_teams.remove(&team);
                }
            }
            self.changed.insert(shard_of(id));
        }
    }

    fn settings_of(&self, team: TeamId) -> Arc<TeamSettings> {
        self.settings.get(&team).map_or_else(|| self.none_set.clone(), |(_, settings)| settings.clone())
    }

    fn dues_of(&self, id: AgentId) -> Dues {
        let Some(watching) = self.all.get(&id) else { return Dues::default() };
        let settings = self.settings_of(watching.team);
        let routes = self.routes.routes_of(watching.team, &settings, settings.names.name(&watching.slug));
        watching.dues(&settings, &routes)
    }

    /// Notes when the agent is due.
    fn plan(&mut self, id: AgentId) {
        self.set_dues(id, self.dues_of(id));
    }

    fn set_dues(&mut self, id: AgentId, Dues { slots, runs, forget }: Dues) {
        self.slots_due.set(id, slots);
        self.runs_due.set(id, runs);
        self.forget_due.set(id, forget);
    }

    fn with(&mut self, id: AgentId, turn: &Turn<'_>, act: impl FnOnce(&mut Watching, &Bench<'_>)) {
        let Some(team) = self.all.get(&id).map(|watching| watching.team) else { return };
        let settings = self.settings_of(team);
        let Some(watching) = self.all.get_mut(&id) else { return };
        let routes = self.routes.routes_of(team, &settings, settings.names.name(&watching.slug));
        let of_team = turn.doubts_of_teams.get(&team).map_or(&[][..], Vec::as_slice);
        let bench = Bench {
            to: turn.to,
            settled_to: turn.settled_to,
            doubts: Doubts { of_all: turn.doubts, of_team },
            settings: &settings,
            routes: &routes,
            run_clocks: turn.run_clocks,
            runs_to: turn.runs_to,
            row_to: turn.row_to,
            ending: None,
            tree: &self.tree,
        };
        act(watching, &bench);
        let dues = watching.dues(&settings, &routes);
        self.set_dues(id, dues);
        self.changed.insert(shard_of(id));
        self.touched.insert(id);
    }
}
