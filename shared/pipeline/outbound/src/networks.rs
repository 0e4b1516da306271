//! Networks that an operator allows.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Networks in CIDR notation. A single address is a network of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// No network.
    pub const NONE: Networks = Networks(Vec::new());

    /// Reads `10.0.0.0/8`, `fd00::/8` or `192.168.1.7`; `None`: it is neither.
    pub fn parse_one(text: &str) -> Option<IpNet> {
        IpNet::from_str(text).ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    }

    /// Reads several; `None`: one of them is no network.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        texts.into_iter().map(Self::parse_one).collect::<Option<_>>().map(Networks)
    }

    /// Whether an address, as it is written, is in one of them. A network of IPv4 has no address of IPv6.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&texts.join(","))
    }
}
