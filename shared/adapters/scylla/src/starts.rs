//! The starts of the cluster's nodes as one number. A node that acknowledges before it syncs may have lost unsynced
//! writes when it starts again after a kill.
//!
//! Every node keeps its gossip generation, which grows with each of its starts and is written before it answers
//! clients.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use scylla::client::session::Session;
use scylla::cluster::Node;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::Consistency;
use tidegate_ports::StoreError;
use tokio::sync::Mutex;

use crate::failure::unreadable;
use crate::statement::Prepared;

const GENERATION: &str = "SELECT gossip_generation FROM system.local WHERE key = 'local'";
/// How long a silent node is not queried again if others answered: its generation is not needed while it is silent.
const QUIET: Duration = Duration::from_secs(10);

/// The known generations of the nodes.
pub(crate) struct Starts {
    statement: Prepared,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The generations by host id.
    generations: HashMap<u128, u64>,
    quiet_until: HashMap<u128, Instant>,
    /// When the last query began, and its result.
    last: Option<(Instant, u64)>,
}

impl Starts {
    pub async fn prepare(session: &Session) -> Result<Self, StoreError> {
        let mut statement = Prepared::of(session, "node_generation", GENERATION).await?;
        // The table is local to the node: no other node has a replica.
        statement.query.set_consistency(Consistency::One);
        Ok(Starts { statement, known: Mutex::default() })
    }

    /// The sum of the nodes' generations, which grows with every start. Concurrent callers share one query.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no node answers.
    pub async fn read(&self, session: &Session) -> Result<u64, StoreError> {
        let called_at = Instant::now();
        let mut known = self.known.lock().await;
        if let Some((began, sum)) = known.last
            && began >= called_at
        {
            return Ok(sum);
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
        let mut answered = false;
        for (node, answer) in asked.iter().zip(answers) {
            let id = node.host_id.as_u128();
            match answer {
                Ok(generation) => {
                    answered = true;
                    known.generations.insert(id, generation);
                    known.quiet_until.remove(&id);
                }
                Err(error) => {
                    known.quiet_until.insert(id, began + QUIET);
                    failure = error;
                }
            }
        }
        if !answered {
            // There is no other node to query.
            known.quiet_until.clear();
            return Err(failure);
        }
        let sum = known.generations.values().fold(0_u64, |sum, generation| sum.wrapping_add(*generation));
        known.last = Some((began, sum));
        Ok(sum)
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
