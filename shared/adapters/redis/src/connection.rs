//! A connection to one Redis or to a cluster, and which errors make it unusable.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use crate::{RedisConnectError, RedisOptions};

/// The servers to connect to, always with timeouts: without them a hanging server would cause no error.
pub(crate) enum Servers {
    Single { client: Client, connect_timeout: Duration, response_timeout: Duration },
    Cluster(ClusterClient),
}

/// An open connection. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(Box<ClusterConnection>),
}

impl Servers {
    /// Cluster redirections that one call follows. A call that the client sends twice because its node went away may
    /// meet its own claims; they are unconfirmed and of the same content, so they are joined.
    const REDIRECTIONS: u32 = 3;

    pub fn of(options: &RedisOptions) -> Result<Self, RedisConnectError> {
        let at_once = || TcpSettings::default().set_nodelay(true);
        let servers = options.servers()?.into_iter().map(|server| server.set_tcp_settings(at_once()));
        let (connect_timeout, response_timeout) = (options.connect_timeout, options.response_timeout);
        let wrong = |error: RedisError| RedisConnectError::Url {
            url: "the list of urls".to_owned(),
            cause: error.category().to_owned(),
        };
        if options.cluster {
            let builder = ClusterClient::builder(servers)
                .tcp_settings(at_once())
                .connection_timeout(connect_timeout)
                .response_timeout(response_timeout)
                .retries(Self::REDIRECTIONS);
            return builder.build().map(Servers::Cluster).map_err(wrong);
        }
        let mut servers = servers;
        let server = servers.next().ok_or(RedisConnectError::NoUrl)?;
        let client = Client::open(server).map_err(wrong)?;
        Ok(Servers::Single { client, connect_timeout, response_timeout })
    }

    pub async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Servers::Single { client, connect_timeout, response_timeout } => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(*connect_timeout))
                    .set_response_timeout(Some(*response_timeout));
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
            }
            Servers::Cluster(client) => {
                client.get_async_connection().await.map(|connection| Connection::Cluster(Box::new(connection)))
            }
        }
    }

    /// How many calls in a row may fail before the connection is given up. A cluster's client reconnects to a lost node
    /// by itself, and the keys of other nodes must not be affected meanwhile.
    pub const fn breaks_to_give_up(&self) -> u32 {
        match self {
            Servers::Single { .. } => 1,
            Servers::Cluster(_) => 5,
        }
    }
}

impl Connection {
    pub async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Connection::Single(connection) => connection.req_packed_command(command).await,
            Connection::Cluster(connection) => connection.req_packed_command(command).await,
        }
        .and_then(Value::extract_error)
    }
}

/// Whether a failed call makes its connection unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallFailure {
    /// The server answered with an error: out of memory, loading its data, not able to save.
    Answered,
    /// The connection is unusable: lost, too slow, or to a server that no longer accepts writes.
    Broken,
}

impl CallFailure {
    pub fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => CallFailure::Broken,
            _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => CallFailure::Broken,
            _ => CallFailure::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &[u8]) -> RedisError {
        redis::parse_redis_value(line).and_then(Value::extract_error).unwrap_err()
    }

    #[test]
    fn a_server_that_cannot_be_written_to_is_left_and_one_that_says_no_is_not() {
        for (line, fault) in [
            ("-READONLY You can't write against a read only replica.\r\n", CallFailure::Broken),
            ("-MASTERDOWN Link with MASTER is down\r\n", CallFailure::Broken),
            ("-NOAUTH Authentication required.\r\n", CallFailure::Broken),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", CallFailure::Answered),
            ("-MISCONF Redis is configured to save RDB snapshots\r\n", CallFailure::Answered),
            ("-LOADING Redis is loading the dataset in memory\r\n", CallFailure::Answered),
            ("-BUSY Redis is busy running a script.\r\n", CallFailure::Answered),
            ("-NOPERM this user has no permissions\r\n", CallFailure::Answered),
            ("-ERR user_script:1: oops\r\n", CallFailure::Answered),
        ] {
            let error = answered(line.as_bytes());
            assert_eq!(CallFailure::of(&error), fault, "{line}");
            assert_eq!(&*crate::failure::cause(&error), line[1..].trim());
        }
        assert_eq!(CallFailure::of(&std::io::Error::from(std::io::ErrorKind::TimedOut).into()), CallFailure::Broken);
    }
}
