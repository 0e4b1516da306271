//! The starts of the cluster's nodes as one number. A node that acknowledges before it syncs may have lost unsynced
//! writes when it starts again after a kill.
//!
//! Every node keeps its gossip generation, which grows with each of its starts and is written before it answers
//! clients. For a silent node its last known one counts, and the number is incomplete if the node's crash may lose
//! something.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use scylla::client::session::Session;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::Consistency;
use tidegate_ports::{StoreError, StoreStarts};
use tokio::sync::Mutex;

use crate::failure::unreadable;
use crate::statement::Prepared;

mod silent_nodes;

use silent_nodes::SilentNodes;

const GENERATION: &str = "SELECT gossip_generation FROM system.local WHERE key = 'local'";
/// How long a silent node is not queried again if others answered.
const QUIET: Duration = Duration::from_secs(10);

/// The known generations of the nodes.
pub(crate) struct Starts {
    statement: Prepared,
    /// How many nodes may crash at once and lose nothing that was acknowledged.
    crashes_outlived: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The generations by host id.
    generations: HashMap<u128, u64>,
    quiet_until: HashMap<u128, Instant>,
    silent: SilentNodes,
    /// When the last query began, and its result.
    last: Option<(Instant, StoreStarts)>,
}

impl Starts {
    pub async fn prepare(session: &Session, crashes_outlived: usize) -> Result<Self, StoreError> {
        let mut statement = Prepared::of(session, "node_generation", GENERATION).await?;
        // The table is local to the node: no other node has a replica.
        statement.query.set_consistency(Consistency::One);
        Ok(Starts { statement, crashes_outlived, known: Mutex::default() })
    }

    /// The sum of the nodes' generations, which grows with every start. It is complete unless more nodes are silent
    /// than may crash. Concurrent callers share one query.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no node answers.
    pub async fn read(&self, session: &Session) -> Result<StoreStarts, StoreError> {
        let called_at = Instant::now();
        let mut known = self.known.lock().await;
        if let Some((began, starts)) = known.last
            && began >= called_at
        {
            return Ok(starts);
        }
        let began = Instant::now();
        let state = session.get_cluster_state();
        let is_asked = |node: &&Arc<Node>| {
            let is_quiet = known.quiet_until.get(&node.host_id.as_u128()).is_some_and(|until| *until > began);
            node.is_connected() && !is_quiet
        };
        let asked: Vec<&Arc<Node>> = state.get_nodes_info().iter().filter(is_asked).collect();
        let answers = join_all(asked.iter().map(|node| self.generation(session, node))).await;
        let mut failure = StoreError::Unavailable("no node of the cluster is connected".into());
        let mut answered = HashSet::new();
        for (node, answer) in asked.iter().zip(answers) {
            let id = node.host_id.as_u128();
            match answer {
                Ok(generation) => {
                    answered.insert(id);
                    known.generations.insert(id, generation);
                    known.quiet_until.remove(&id);
                }
                Err(error) => {
                    known.quiet_until.insert(id, began + QUIET);
                    failure = error;
                }
            }
        }
        if answered.is_empty() {
            // There is no other node to query.
            known.quiet_until.clear();
            known.silent.clear();
            return Err(failure);
        }
        let members = state.get_nodes_info().iter().map(|node| node.host_id.as_u128());
        let silent = known.silent.count(began, members, &answered);
        let number = known.generations.values().fold(0_u64, |sum, generation| sum.wrapping_add(*generation));
        let starts = StoreStarts { number, is_complete: silent <= self.crashes_outlived };
        known.last = Some((began, starts));
        Ok(starts)
    }

    async fn generation(&self, session: &Session, node: &Arc<Node>) -> Result<u64, StoreError> {
        let mut query = self.statement.query.clone();
        let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::Node(node.clone()), None);
        query.set_load_balancing_policy(Some(target));
        let answer = session.execute_unpaged(&query, ()).await;
        let answer = answer.map_err(|error| crate::failure::store_error("node_generation", 1, &error))?;
        let rows = answer.into_rows_result().map_err(|error| unreadable("a node's generation", error))?;
        let (generation,) = rows.first_row::<(i32,)>().map_err(|error| unreadable("a node's generation", error))?;
        Ok(u64::from(generation.unsigned_abs()))
    }
}
