//! AgentGate's ids: a prefix, then 26 lowercase base-32 characters of 128 bits that begin with the time of birth.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tidegate_kernel::Timestamp;

use crate::base32;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// An id born at `now`, with 80 random bits.
            pub fn mint(now: Timestamp, random: &[u8; 10]) -> Self {
                $name(base32::time_ordered(now.as_millis(), random))
            }

            /// `None`: no such id was ever minted, so it names nothing.
            pub fn parse(text: &str) -> Option<Self> {
                base32::decode(text.strip_prefix(concat!($prefix, "_"))?).map($name)
            }

            pub const fn from_bits(bits: u128) -> Self {
                $name(bits)
            }

            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(base32::as_str(&base32::encode(self.0)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                $name::parse(&text).ok_or_else(|| de::Error::custom(concat!("must be an id that begins with ", $prefix, "_")))
            }
        }
    )*};
}

ids! {
    /// An organization: whose keys, credits and runs they are.
    OrgId, "org";
    /// What a client asked for. A work order makes exactly one run, and has the bits of its run's id.
    WorkOrderId, "wo";
    /// One execution of a work order.
    RunId, "run";
    WebhookId, "wh";
    /// A change of an organization's credits. The charge of a run has the bits of the run's id.
    TransactionId, "txn";
    /// The public handle of a key of a client or a worker.
    KeyId, "key";
    /// A message to a receiver outside; made from its cause.
    MessageId, "evt";
    /// One request; has the bits of its attempt.
    RequestId, "req";
}

impl RunId {
    pub const fn work_order(self) -> WorkOrderId {
        WorkOrderId(self.0)
    }

    /// The transaction that charges the run.
    pub const fn charge(self) -> TransactionId {
        TransactionId(self.0)
    }
}

impl WorkOrderId {
    pub const fn run(self) -> RunId {
        RunId(self.0)
    }
}

/// The first 128 bits of a keyed hash of something that must be found again and not be read: a credential, a tenant's id,
/// a worker's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedHash(pub u128);

/// 26 lowercase base-32 characters.
impl fmt::Display for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(base32::as_str(&base32::encode(self.0)))
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyedHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyedHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        base32::decode(&text).map(KeyedHash).ok_or_else(|| de::Error::custom("must be 26 base-32 characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_birth_and_read_back() {
        let early = RunId::mint(Timestamp::from_millis(1_000), &[255; 10]);
        let late = RunId::mint(Timestamp::from_millis(1_001), &[0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(RunId::parse(&late.to_string()), Some(late));
        assert_eq!(late.work_order().to_string().replace("wo_", "run_"), late.to_string());
    }

    #[test]
    fn an_ill_formed_id_is_none() {
        let text = RunId::from_bits(7).to_string();
        let other_prefix = text.replace("run", "wo");
        for bad in ["", "run_", "run_x", other_prefix.as_str(), text.trim_start_matches("run_")] {
            assert_eq!(RunId::parse(bad), None, "{bad}");
        }
    }
}
