//! A connection to one Redis or to a cluster, and what its errors mean for it.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use crate::{RedisGateError, RedisOptions};

/// Where to connect to, with the timeouts always set: without them a hang is not an error.
pub(crate) enum Servers {
    Single { client: Client, connect_timeout: Duration, response_timeout: Duration },
    Cluster(ClusterClient),
}

/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(MultiplexedConnection),
    Cluster(Box<ClusterConnection>),
}

impl Servers {
    /// Redirections of a cluster that one call follows. A call that the client sends twice, because its node went
    /// away, may meet its own claims: unconfirmed ones of the same content, which are joined.
    const REDIRECTIONS: u32 = 3;

    pub fn of(options: &RedisOptions) -> Result<Self, RedisGateError> {
        let at_once = || TcpSettings::default().set_nodelay(true);
        let servers = options.servers()?.into_iter().map(|server| server.set_tcp_settings(at_once()));
        let (connect_timeout, response_timeout) = (options.connect_timeout, options.response_timeout);
        let wrong = |error: RedisError| RedisGateError::Url {
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
        let server = servers.next().ok_or(RedisGateError::NoUrl)?;
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

    /// How many calls in a row may break before the connection is given up. A cluster's client mends the connection
    /// to a lost node by itself, and the other nodes' teams are to go on meanwhile.
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

/// What a failed call means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server answered, with an error: out of memory, loading its data, not able to save.
    Answered,
    /// The connection is of no use: lost, too slow, or to a server that is no longer the one to write to.
    Broken,
}

impl Fault {
    pub fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => Fault::Broken,
            _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => Fault::Broken,
            _ => Fault::Answered,
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
            ("-READONLY You can't write against a read only replica.\r\n", Fault::Broken),
            ("-MASTERDOWN Link with MASTER is down\r\n", Fault::Broken),
            ("-NOAUTH Authentication required.\r\n", Fault::Broken),
            ("-OOM command not allowed when used memory > 'maxmemory'.\r\n", Fault::Answered),
            ("-MISCONF Redis is configured to save RDB snapshots\r\n", Fault::Answered),
            ("-LOADING Redis is loading the dataset in memory\r\n", Fault::Answered),
            ("-BUSY Redis is busy running a script.\r\n", Fault::Answered),
            ("-NOPERM this user has no permissions\r\n", Fault::Answered),
            ("-ERR user_script:1: oops\r\n", Fault::Answered),
        ] {
            let error = answered(line.as_bytes());
            assert_eq!(Fault::of(&error), fault, "{line}");
            assert_eq!(&*crate::failure::cause(&error), line[1..].trim());
        }
        assert_eq!(Fault::of(&std::io::Error::from(std::io::ErrorKind::TimedOut).into()), Fault::Broken);
    }
}
