//! Which URLs may be sent to. Pure: no name is looked up.

use std::fmt;
use std::net::IpAddr;

use tidegate_kernel::SmolStr;
use url::{Host, Url};

use crate::address::{AddressRule, judge};
use crate::networks::Networks;

/// What is allowed of receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPolicy {
    /// `http` is allowed as well as `https`.
    pub allow_http: bool,
    /// Networks that may be connected to though they are not public.
    pub networks: Networks,
    pub ports: PortRule,
}

/// Which ports may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRule {
    Any,
    /// The scheme's own, and 1024 up: no mail server, no shell.
    OwnOrHigh,
}

/// The rule that a URL breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRule {
    #[error("it is no absolute URL")]
    Form,
    #[error("its scheme is not https")]
    Scheme,
    #[error("it has a user or a password")]
    User,
    #[error("it has no host")]
    Host,
    #[error("its port is not allowed")]
    Port,
    #[error("its address is not public: {0}")]
    Address(AddressRule),
}

/// A URL that may be sent to, as far as can be seen without looking its name up.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub(crate) is_https: bool,
    pub(crate) host: TargetHost,
    pub(crate) port: u16,
    /// The value of `Host`.
    pub(crate) authority: String,
    /// What the request line has. It may hold a secret.
    pub(crate) path: String,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetHost {
    Name(String),
    Address(IpAddr),
}

/// Scheme, host and port: a receiver. What is sent to it at once is counted by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiverOrigin(SmolStr);

impl Target {
    /// Judges a URL. A host that is an address, in whatever notation, is judged as one.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn parse(text: &str, policy: &TargetPolicy) -> Result<Self, UrlRule> {
        let url = Url::parse(text).map_err(|_| UrlRule::Form)?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" if policy.allow_http => false,
            _ => return Err(UrlRule::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRule::User);
        }
        let own_port = if is_https { 443 } else { 80 };
        let port = url.port().unwrap_or(own_port);
        if port == 0 || policy.ports == PortRule::OwnOrHigh && port != own_port && port < 1_024 {
            return Err(UrlRule::Port);
        }
        let host = match url.host().ok_or(UrlRule::Host)? {
            // A dot at the end is the root of all names: the certificate has none.
            Host::Domain(name) => match name.strip_suffix('.').unwrap_or(name) {
                "" => return Err(UrlRule::Host),
                name => TargetHost::Name(name.to_owned()),
            },
            Host::Ipv4(address) => TargetHost::Address(address.into()),
            Host::Ipv6(address) => TargetHost::Address(address.into()),
        };
        if let TargetHost::Address(address) = &host {
            judge(*address, &policy.networks).map_err(UrlRule::Address)?;
        }
        let shown = match &host {
            TargetHost::Name(name) => name.clone(),
            TargetHost::Address(IpAddr::V4(address)) => address.to_string(),
            TargetHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        let authority = if port == own_port { shown } else { format!("{shown}:{port}") };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Target { is_https, host, port, authority, path })
    }

    pub fn origin(&self) -> ReceiverOrigin {
        let scheme = if self.is_https { "https" } else { "http" };
        ReceiverOrigin(SmolStr::from(format!("{scheme}://{}", self.authority)))
    }
}

/// Without the path.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.origin().0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: TargetPolicy =
        TargetPolicy { allow_http: false, networks: Networks::NONE, ports: PortRule::OwnOrHigh };

    fn parsed(text: &str) -> Result<Target, UrlRule> {
        Target::parse(text, &STRICT)
    }

    #[test]
    fn a_target_is_what_the_url_says() {
        for (text, origin, authority, path) in [
            ("https://example.com", "https://example.com", "example.com", "/"),
            ("https://EXAMPLE.com:443/a?b=c#d", "https://example.com", "example.com", "/a?b=c"),
            ("https://example.com.:8443/", "https://example.com:8443", "example.com:8443", "/"),
            ("https://bücher.example/ü", "https://xn--bcher-kva.example", "xn--bcher-kva.example", "/%C3%BC"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]", "[2606:4700::1111]", "/"),
            ("https://1.1.1.1/", "https://1.1.1.1", "1.1.1.1", "/"),
        ] {
            let target = parsed(text).unwrap();
            assert_eq!(
                (target.origin().0.as_str(), target.authority.as_str(), target.path.as_str()),
                (origin, authority, path),
                "{text}"
            );
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused_by_it() {
        for (text, rule) in [
            ("", UrlRule::Form),
            ("example.com/hook", UrlRule::Form),
            ("https://", UrlRule::Form),
            ("http://example.com", UrlRule::Scheme),
            ("ftp://example.com", UrlRule::Scheme),
            ("file:///etc/passwd", UrlRule::Scheme),
            ("gopher://127.0.0.1/", UrlRule::Scheme),
            ("https://user@example.com", UrlRule::User),
            ("https://user:secret@example.com", UrlRule::User),
            ("https://:secret@example.com", UrlRule::User),
            ("https://example.com:25", UrlRule::Port),
            ("https://example.com:0", UrlRule::Port),
            ("https://example.com:80", UrlRule::Port),
            ("https://example.com:65536", UrlRule::Form),
            ("https://example.com%00.evil.test/", UrlRule::Form),
        ] {
            assert_eq!(parsed(text), Err(rule), "{text}");
        }
    }

    /// As browsers and `inet_aton` read them.
    #[test]
    fn an_address_is_judged_in_every_notation() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "0177.0x0.1",
            "017700000001",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            let rule = UrlRule::Address(AddressRule::Loopback);
            assert_eq!(parsed(&format!("https://{text}/")), Err(rule), "{text}");
        }
        for (text, rule) in [
            ("0", AddressRule::Unspecified),
            ("[::]", AddressRule::Unspecified),
            ("[::ffff:127.0.0.1]", AddressRule::EmbeddedV4),
            ("[::ffff:7f00:1]", AddressRule::EmbeddedV4),
            ("[64:ff9b::10.0.0.1]", AddressRule::EmbeddedV4),
            ("[2002:a00:1::]", AddressRule::EmbeddedV4),
            ("0xa9fea9fe", AddressRule::Metadata),
            ("2852039166", AddressRule::Metadata),
            ("0x0a000001", AddressRule::Private),
            ("192.168.257", AddressRule::Private),
        ] {
            assert_eq!(parsed(&format!("https://{text}/")), Err(UrlRule::Address(rule)), "{text}");
        }
    }

    #[test]
    fn an_operator_can_allow_more() {
        let networks = Networks::parse(["127.0.0.0/8"]).unwrap();
        let policy = TargetPolicy { allow_http: true, networks, ports: PortRule::Any };
        for text in ["http://127.0.0.1:25/hook", "https://2130706433/", "http://example.com"] {
            assert!(Target::parse(text, &policy).is_ok(), "{text}");
        }
        let refused = Target::parse("https://[::1]/", &policy);
        assert_eq!(refused, Err(UrlRule::Address(AddressRule::Loopback)), "not in the network that is allowed");
    }

    #[test]
    fn a_target_does_not_show_its_path() {
        let shown = format!("{:?}", parsed("https://example.com/s3cret?token=t0ken").unwrap());
        assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
    }
}
