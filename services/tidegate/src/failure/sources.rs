//! How the errors of ports, adapters and pure types become failures: `?` keeps their text and the error itself.

use tidegate_agentping::slug::SlugError;
use tidegate_agentping_ports::{GateDown, RegistryError};
use tidegate_commands::sealing::SealerError;
use tidegate_kafka::TopicsError;
use tidegate_lifecycle::Unfinished;
use tidegate_ports::{AppendError, LogError, StoreError};
use tidegate_redis::RedisConnectError;
use tidegate_replay::{PlanError, ProgressFileError, ReplayError};
use tidegate_scylla::MigrationError;
use tidegate_sqlite::{FolderError, LogOpenError, ReconcileError, SqliteError};
use tidegate_telemetry::{LogsError, MetricsError};

use super::{Failure, FailureClass};

/// `From` for error types that are of one class throughout.
macro_rules! of_one_class {
    ($($error:ty => $class:ident;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure::new(FailureClass::$class, error.to_string()).caused_by(error)
            }
        })*
    };
}

of_one_class! {
    GateDown => Unavailable;
    RedisConnectError => Config;
    LogsError => Config;
    MetricsError => Broken;
    FolderError => Refused;
    SqliteError => Broken;
    LogOpenError => Broken;
    ReconcileError => Broken;
    SlugError => Config;
    ProgressFileError => Refused;
    Unfinished => Broken;
}

impl From<SealerError> for Failure {
    fn from(error: SealerError) -> Self {
        let (class, text) = (FailureClass::Broken, error.to_string());
        match error {
            SealerError::Store { source, .. } => Failure::from(source),
            SealerError::Foreign { .. } => Failure::new(class, text)
                .or_else("is agentgate.secret_file the one of this deployment, or the file `secret` the folder's own?")
                .caused_by(error),
            _ => Failure::new(class, text).caused_by(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let class = match &error {
            StoreError::Unavailable(_) => FailureClass::Unavailable,
            StoreError::Broken(_) | StoreError::Refused(_) => FailureClass::Broken,
        };
        Failure::new(class, error.to_string()).caused_by(error)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let class = match &error {
            LogError::Unavailable(_) => FailureClass::Unavailable,
            LogError::Broken(_) => FailureClass::Broken,
        };
        Failure::new(class, error.to_string()).caused_by(error)
    }
}

/// An append whose outcome is unknown may be repeated: the fold ignores a record that comes twice.
impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        let class = match &error {
            AppendError::NotPersisted(_) | AppendError::Unknown(_) => FailureClass::Unavailable,
            AppendError::TooLarge { .. } => FailureClass::Refused,
        };
        Failure::new(class, error.to_string()).caused_by(error)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(error) => error.into(),
            error => Failure::refused(error.to_string()).caused_by(error),
        }
    }
}

impl From<MigrationError> for Failure {
    fn from(error: MigrationError) -> Self {
        match error {
            MigrationError::Store(error) => error.into(),
            error => Failure::broken(error.to_string()).caused_by(error),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Log(error) => error.into(),
            error => Failure::refused(error.to_string()).caused_by(error),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Log(error) => error.into(),
            ReplayError::Store(error) => error.into(),
            ReplayError::Append(error) => error.into(),
            ReplayError::ProgressFile(error) => error.into(),
        }
    }
}

impl From<TopicsError> for Failure {
    fn from(error: TopicsError) -> Self {
        let class = match &error {
            TopicsError::Unavailable { .. } => FailureClass::Unavailable,
            TopicsError::Mismatch(_) | TopicsError::Refused { .. } => FailureClass::Refused,
            TopicsError::Options(_) => FailureClass::Config,
        };
        Failure::new(class, error.to_string()).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use tidegate_ports::FailureCause;

    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_does_not() {
        let late = || FailureCause::timeout("no answer within 2 s");
        let topics = |cause: &str| TopicsError::Unavailable { brokers: "b:1".to_owned(), cause: cause.into() };
        for (failure, may_pass) in [
            (Failure::from(StoreError::Unavailable(late())), true),
            (Failure::from(StoreError::Broken("torn".into())), false),
            (Failure::from(StoreError::Refused("large".into())), false),
            (Failure::from(LogError::Unavailable(late())), true),
            (Failure::from(LogError::Broken("torn".into())), false),
            (Failure::from(AppendError::NotPersisted(late())), true),
            (Failure::from(AppendError::Unknown(late())), true),
            (Failure::from(AppendError::TooLarge { bytes: 2, cap: 1 }), false),
            (Failure::from(GateDown(late())), true),
            (Failure::from(RegistryError::Store(StoreError::Unavailable(late()))), true),
            (Failure::from(RegistryError::Exists { what: "team", id: "x".to_owned() }), false),
            (Failure::from(MigrationError::Store(StoreError::Unavailable(late()))), true),
            (Failure::from(topics("timed out")), true),
            (Failure::from(Unfinished::new("the consumer panicked")), false),
            (Failure::from(TopicsError::Mismatch(Vec::new())), false),
        ] {
            assert_eq!(failure.may_pass(), may_pass, "{failure:?}");
            let source = failure.source().expect("the error itself");
            assert_eq!(source.to_string(), failure.to_string());
        }
    }
}
