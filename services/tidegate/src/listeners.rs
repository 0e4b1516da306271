//! Listening in two steps: every address is reserved before anything is opened, so that a busy port ends the start at
//! once; connections are accepted only when there is a service to answer them.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::failure::Failure;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A bound address that does not listen yet.
pub struct ReservedListener {
    key: &'static str,
    socket: TcpSocket,
    address: SocketAddr,
}

impl ReservedListener {
    /// Binds `wanted`, which the setting `key` names.
    ///
    /// # Errors
    /// The address is taken, or is not this machine's.
    pub fn reserve(key: &'static str, wanted: SocketAddr) -> Result<Self, Failure> {
        let failed = |error| not_listening(key, wanted, error);
        let socket = if wanted.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
        // A restart must not wait until the former process's last connections are forgotten. Two processes can still
        // not listen on one address: the second one's bind fails below.
        socket.set_reuseaddr(true).map_err(failed)?;
        socket.bind(wanted).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(ReservedListener { key, socket, address })
    }

    /// The address, with the number that port 0 has become.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// Another process listens there meanwhile.
    pub fn listen(self) -> Result<TcpListener, Failure> {
        let ReservedListener { key, socket, address } = self;
        socket.listen(BACKLOG).map_err(|error| not_listening(key, address, error))
    }
}

fn not_listening(key: &str, address: SocketAddr, error: std::io::Error) -> Failure {
    Failure::config(format!("{key}: cannot listen on {address}: {error}"))
        .or_else("free it or choose another, port 0 for any")
        .caused_by(error)
}
