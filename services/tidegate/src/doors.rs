//! Listening in two steps: addresses are taken before anything is opened, so that a busy port is heard of at once,
//! and connections are let in only when there is somebody to answer.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// An address that is ours, not listening yet.
pub struct Door {
    key: &'static str,
    socket: TcpSocket,
    address: SocketAddr,
}

impl Door {
    /// # Errors
    /// The address could not be had.
    pub fn reserve(key: &'static str, wanted: SocketAddr) -> Result<Self, String> {
        let told =
            |error| format!("{key}: cannot listen on {wanted}: {error}; free it or choose another, port 0 for any");
        let socket = if wanted.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(told)?;
        // A restart must not wait until the former process's last connections are forgotten. Two processes can
        // still not listen on one address: the second is told so below.
        socket.set_reuseaddr(true).map_err(told)?;
        socket.bind(wanted).map_err(told)?;
        let address = socket.local_addr().map_err(told)?;
        Ok(Door { key, socket, address })
    }

    /// Where it is: port 0 has become a number.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// # Errors
    /// Somebody else listens there meanwhile.
    pub fn listen(self) -> Result<TcpListener, String> {
        let Door { key, socket, address } = self;
        socket.listen(BACKLOG).map_err(|error| format!("{key}: cannot listen on {address}: {error}"))
    }
}
