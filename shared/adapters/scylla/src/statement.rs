//! The prepared statements. Only prepared statements are sent directly to a replica.

use scylla::client::session::Session;
use scylla::errors::PrepareError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;
use tidegate_ports::{FailureCause, StoreError};

use crate::failure::{kind_of_prepare, unreadable};

/// Declares the statements of some tables, which are prepared at connect. `with` adds a group that several schemas share.
macro_rules! statements {
    (
        $(#[$doc:meta])*
        $group:ident $(with $shared:ident: $shared_type:ty)?;
        $($(#[$meaning:meta])* $name:ident: $text:literal;)*
    ) => {
        $(#[$doc])*
        pub struct $group {
            $(pub(crate) $shared: $shared_type,)?
            $($(#[$meaning])* pub(crate) $name: $crate::statement::Prepared,)*
        }

        $(impl AsRef<$shared_type> for $group {
            fn as_ref(&self) -> &$shared_type {
                &self.$shared
            }
        })?

        impl $group {
            pub(crate) async fn prepare(
                session: &scylla::client::session::Session,
            ) -> Result<Self, tidegate_ports::StoreError> {
                Ok($group {
                    $($shared: <$shared_type>::prepare(session).await?,)?
                    $($name: $crate::statement::Prepared::of(session, stringify!($name), $text).await?,)*
                })
            }
        }
    };
}

pub(crate) use statements;

/// One prepared statement; `kind` names it in metrics and errors.
pub(crate) struct Prepared {
    pub kind: &'static str,
    pub query: PreparedStatement,
}

impl Prepared {
    /// Prepares `text`. All statements but conditional writes are idempotent: their timestamps come from the log, or
    /// their values are absolute.
    pub async fn of(session: &Session, kind: &'static str, text: &str) -> Result<Self, StoreError> {
        let mut query = session.prepare(text).await.map_err(|error| not_prepared(kind, &error))?;
        query.set_is_idempotent(!text.contains(" IF "));
        // The result columns of a conditional write depend on whether it was applied.
        query.set_use_cached_result_metadata(text.starts_with("SELECT"));
        crate::metrics::register(kind);
        Ok(Prepared { kind, query })
    }

    pub fn bind(&self, values: impl SerializeRow, page_rows: Option<i32>) -> Result<BoundStatement, StoreError> {
        let mut query = self.query.clone();
        if let Some(rows) = page_rows {
            query.set_page_size(rows);
        }
        query.bind(&values).map_err(|error| unreadable(self.kind, error))
    }
}

fn not_prepared(kind: &str, error: &PrepareError) -> StoreError {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => {
            let text = format!("the schema does not take statement {kind}: {first_attempt}");
            StoreError::Broken(FailureCause::from(text).caused_by(error.clone()))
        }
        error => {
            let text = format!("preparing {kind}: {error}");
            StoreError::Unavailable(FailureCause::new(kind_of_prepare(error), text).caused_by(error.clone()))
        }
    }
}
