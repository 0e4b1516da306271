//! Maps errors of the Redis client to failure kinds of the ports.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use tidegate_ports::{FailureCause, FailureKind};

/// The failure kind of an error. A server that cannot store a write (`OOM`, `MISCONF`) counts as overloaded.
pub(crate) fn kind_of(error: &RedisError) -> FailureKind {
    use ServerErrorKind as Server;
    if error.is_timeout() {
        return FailureKind::Timeout;
    }
    match (error.kind(), error.code()) {
        (_, Some("OOM" | "BUSY" | "MISCONF")) => FailureKind::Overloaded,
        (_, Some("NOAUTH" | "WRONGPASS")) => FailureKind::Refused,
        (ErrorKind::Server(Server::BusyLoading | Server::TryAgain), _) => FailureKind::Overloaded,
        (ErrorKind::Server(Server::ClusterDown | Server::MasterDown | Server::Moved | Server::Ask), _) => {
            FailureKind::Unreachable
        }
        (ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::Server(_), _) => {
            FailureKind::Refused
        }
        (ErrorKind::Parse | ErrorKind::UnexpectedReturnType, _) => FailureKind::Broken,
        _ => FailureKind::Unreachable,
    }
}

/// The error as a cause, with the server's own text where it has one, since its documentation explains that text.
pub(crate) fn cause(error: &RedisError) -> FailureCause {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    FailureCause::new(kind_of(error), text).caused_by(error.clone())
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use redis::Value;

    use super::*;

    #[test]
    fn every_answer_of_a_server_has_its_kind() {
        use FailureKind::{Overloaded, Refused, Unreachable};
        for (line, kind) in [
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", Overloaded),
            ("-MISCONF Redis is configured to save RDB snapshots\r\n", Overloaded),
            ("-LOADING Redis is loading the dataset in memory\r\n", Overloaded),
            ("-BUSY Redis is busy running a script.\r\n", Overloaded),
            ("-TRYAGAIN Multiple keys request during rehashing of slot\r\n", Overloaded),
            ("-CLUSTERDOWN The cluster is down\r\n", Unreachable),
            ("-MASTERDOWN Link with MASTER is down\r\n", Unreachable),
            ("-READONLY You can't write against a read only replica.\r\n", Refused),
            ("-NOAUTH Authentication required.\r\n", Refused),
            ("-WRONGPASS invalid username-password pair\r\n", Refused),
            ("-NOPERM this user has no permissions\r\n", Refused),
            ("-ERR user_script:1: oops\r\n", Refused),
        ] {
            let error = redis::parse_redis_value(line.as_bytes()).and_then(Value::extract_error).unwrap_err();
            let cause = cause(&error);
            assert_eq!((cause.kind(), cause.as_str()), (kind, line[1..].trim()));
            assert!(cause.source().is_some_and(|source| source.is::<RedisError>()));
        }
    }

    #[test]
    fn a_connection_that_fails_is_late_or_away() {
        for (failed, kind) in [
            (io::ErrorKind::TimedOut, FailureKind::Timeout),
            (io::ErrorKind::ConnectionRefused, FailureKind::Unreachable),
            (io::ErrorKind::ConnectionReset, FailureKind::Unreachable),
            (io::ErrorKind::BrokenPipe, FailureKind::Unreachable),
        ] {
            assert_eq!(kind_of(&io::Error::from(failed).into()), kind, "{failed}");
        }
    }
}
