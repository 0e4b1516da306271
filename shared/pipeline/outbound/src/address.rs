//! Which addresses are public. Pure.
//!
//! The registries are IANA's special-purpose address registries (RFC 6890) and multicast assignments. Of IPv6 only global
//! unicast (`2000::/3`) is public at all.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::networks::Networks;

/// The rule that an address breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressRule {
    Loopback,
    /// RFC 1918.
    Private,
    LinkLocal,
    /// Shared address space of carriers (CGNAT, RFC 6598).
    Shared,
    Multicast,
    Unspecified,
    Documentation,
    Benchmark,
    /// Where clouds answer about the machine that asks.
    Metadata,
    /// Unique local addresses, and the site-local ones before them.
    UniqueLocal,
    /// An address of IPv4 inside one of IPv6: mapped, compatible, NAT64, 6to4, Teredo, ISATAP.
    EmbeddedV4,
    /// Every other special purpose, and what is not assigned.
    Reserved,
}

impl AddressRule {
    /// What people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            AddressRule::Loopback => "loopback",
            AddressRule::Private => "private",
            AddressRule::LinkLocal => "link-local",
            AddressRule::Shared => "shared address space",
            AddressRule::Multicast => "multicast",
            AddressRule::Unspecified => "unspecified",
            AddressRule::Documentation => "documentation",
            AddressRule::Benchmark => "benchmark",
            AddressRule::Metadata => "cloud metadata",
            AddressRule::UniqueLocal => "unique local",
            AddressRule::EmbeddedV4 => "IPv4 inside IPv6",
            AddressRule::Reserved => "reserved",
        }
    }
}

impl fmt::Display for AddressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an address may be connected to: it is public, or in one of these networks.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn judge(address: IpAddr, allowed: &Networks) -> Result<(), AddressRule> {
    if allowed.contain(address) {
        return Ok(());
    }
    let broken = match address {
        IpAddr::V4(address) => rule_of_v4(address),
        IpAddr::V6(address) => rule_of_v6(address),
    };
    broken.map_or(Ok(()), Err)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

/// The first two groups, and the length.
const fn v6(first: u16, second: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), bits)
}

/// The first network that has an address says its rule.
const V4: &[(Ipv4Net, AddressRule)] = &[
    (v4(169, 254, 169, 254, 32), AddressRule::Metadata),
    // Of ECS tasks.
    (v4(169, 254, 170, 2, 32), AddressRule::Metadata),
    (v4(100, 100, 100, 200, 32), AddressRule::Metadata),
    (v4(192, 0, 0, 192, 32), AddressRule::Metadata),
    // A public address by its number, and Azure's host by its meaning.
    (v4(168, 63, 129, 16, 32), AddressRule::Metadata),
    (v4(0, 0, 0, 0, 8), AddressRule::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressRule::Private),
    (v4(172, 16, 0, 0, 12), AddressRule::Private),
    (v4(192, 168, 0, 0, 16), AddressRule::Private),
    (v4(100, 64, 0, 0, 10), AddressRule::Shared),
    (v4(127, 0, 0, 0, 8), AddressRule::Loopback),
    (v4(169, 254, 0, 0, 16), AddressRule::LinkLocal),
    (v4(192, 0, 2, 0, 24), AddressRule::Documentation),
    (v4(198, 51, 100, 0, 24), AddressRule::Documentation),
    (v4(203, 0, 113, 0, 24), AddressRule::Documentation),
    (v4(198, 18, 0, 0, 15), AddressRule::Benchmark),
    (v4(224, 0, 0, 0, 4), AddressRule::Multicast),
    (v4(192, 0, 0, 0, 24), AddressRule::Reserved),
    (v4(192, 31, 196, 0, 24), AddressRule::Reserved),
    (v4(192, 52, 193, 0, 24), AddressRule::Reserved),
    (v4(192, 88, 99, 0, 24), AddressRule::Reserved),
    (v4(192, 175, 48, 0, 24), AddressRule::Reserved),
    (v4(240, 0, 0, 0, 4), AddressRule::Reserved),
];

/// As [`V4`].
const V6: &[(Ipv6Net, AddressRule)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), AddressRule::Metadata),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), AddressRule::Unspecified),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), AddressRule::Loopback),
    // Compatible and mapped ones, and those of stateless translation.
    (v6(0, 0, 64), AddressRule::EmbeddedV4),
    (v6(0x64, 0xff9b, 32), AddressRule::EmbeddedV4),
    (v6(0x2002, 0, 16), AddressRule::EmbeddedV4),
    (v6(0x2001, 0, 32), AddressRule::EmbeddedV4),
    (v6(0xfe80, 0, 10), AddressRule::LinkLocal),
    (v6(0xfc00, 0, 7), AddressRule::UniqueLocal),
    (v6(0xfec0, 0, 10), AddressRule::UniqueLocal),
    (v6(0xff00, 0, 8), AddressRule::Multicast),
    (v6(0x2001, 0xdb8, 32), AddressRule::Documentation),
    (v6(0x3fff, 0, 20), AddressRule::Documentation),
    (v6(0x2001, 0x2, 48), AddressRule::Benchmark),
    (v6(0x2001, 0, 23), AddressRule::Reserved),
    (v6(0x2620, 0x4f, 32), AddressRule::Reserved),
];

const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 3);

fn rule_of_v4(address: Ipv4Addr) -> Option<AddressRule> {
    V4.iter().find(|(network, _)| network.contains(&address)).map(|(_, rule)| *rule)
}

fn rule_of_v6(address: Ipv6Addr) -> Option<AddressRule> {
    let [.., flags, isatap, _, _] = address.segments();
    // A tunnel that takes the rest of the address for one of IPv4 (RFC 5214).
    let is_isatap = flags & 0xfdff == 0 && isatap == 0x5efe;
    let known = V6.iter().find(|(network, _)| network.contains(&address)).map(|(_, rule)| *rule);
    let tunnelled = is_isatap.then_some(AddressRule::EmbeddedV4);
    known.or(tunnelled).or_else(|| (!GLOBAL_UNICAST.contains(&address)).then_some(AddressRule::Reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Result<(), AddressRule> {
        judge(text.parse().unwrap(), &Networks::NONE)
    }

    #[test]
    fn public_addresses_are_allowed() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert_eq!(judged(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_by_its_rule() {
        use AddressRule::*;
        for (rule, texts) in [
            (Loopback, &["127.0.0.1", "127.1.2.3", "127.255.255.255", "::1"][..]),
            (
                Private,
                &["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
            ),
            (LinkLocal, &["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"]),
            (Shared, &["100.64.0.1", "100.127.255.255"]),
            (Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"]),
            (Unspecified, &["0.0.0.0", "0.1.2.3", "::"]),
            (Documentation, &["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff:fff::1"]),
            (Benchmark, &["198.18.0.1", "198.19.255.255", "2001:2::1"]),
            (Metadata, &["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]),
            (UniqueLocal, &["fc00::1", "fd12:3456::1", "fdff::1", "fec0::1"]),
            (
                EmbeddedV4,
                &[
                    "::ffff:127.0.0.1",
                    "::ffff:8.8.8.8",
                    "::127.0.0.1",
                    "::ffff:0:10.0.0.1",
                    "64:ff9b::7f00:1",
                    "64:ff9b:1::a00:1",
                    "2002:7f00:1::1",
                    "2001:0:53aa::1",
                    "2606:4700::5efe:a00:1",
                    "2606:4700::200:5efe:7f00:1",
                ],
            ),
            (Reserved, &["192.0.0.1", "192.88.99.1", "240.0.0.1", "255.255.255.255"]),
            (Reserved, &["100::1", "2001:10::1", "2001:20::1", "4000::1", "5f00::1", "e000::1"]),
        ] {
            for text in texts {
                assert_eq!(judged(text), Err(rule), "{text}");
            }
        }
    }

    #[test]
    fn a_network_of_the_operator_allows_what_is_written_in_it() {
        let allowed = Networks::parse(["127.0.0.0/8", "10.1.2.3", "fd00::/8"]).unwrap();
        let judged = |text: &str| judge(text.parse().unwrap(), &allowed);
        for text in ["127.0.0.1", "10.1.2.3", "fd00::1", "8.8.8.8"] {
            assert_eq!(judged(text), Ok(()), "{text}");
        }
        assert_eq!(judged("10.1.2.4"), Err(AddressRule::Private));
        assert_eq!(judged("::ffff:127.0.0.1"), Err(AddressRule::EmbeddedV4), "another notation is another address");
        assert_eq!(judged("64:ff9b::a01:203"), Err(AddressRule::EmbeddedV4));
        for bad in ["10.0.0.0/33", "10.0.0", "example.com", "", "10.0.0.0/8/8"] {
            assert!(Networks::parse([bad]).is_none(), "{bad}");
        }
    }
}
