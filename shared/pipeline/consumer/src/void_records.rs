//! Records that an operator has set aside: they are skipped.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_kernel::Position;
use tidegate_ports::{StoreError, Voids};

use crate::apply::Poison;

/// The void records, as they were read last.
pub(crate) struct VoidRecords {
    /// `None`: no record is ever void.
    port: Option<Arc<dyn Voids>>,
    known: Mutex<Arc<HashSet<Position>>>,
}

impl VoidRecords {
    pub fn new(poison: &Poison) -> Self {
        let port = match poison {
            Poison::DeadLetter(_) => None,
            Poison::Halt(voids) => Some(voids.clone()),
        };
        VoidRecords { port, known: Mutex::default() }
    }

    /// Reads them again.
    pub async fn read(&self) -> Result<(), StoreError> {
        let Some(port) = &self.port else { return Ok(()) };
        let read: HashSet<Position> = port.all().await?.into_iter().map(|void| void.position).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }

    pub fn known(&self) -> Arc<HashSet<Position>> {
        // The assignment of a pointer is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a halted partition may continue by itself.
    pub const fn can_end_halts(&self) -> bool {
        self.port.is_some()
    }
}
