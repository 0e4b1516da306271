//! The keys in Redis. Every key of a team has the team as its hash tag, so that one call touches one slot of a cluster.

use tidegate_agentping::TeamId;
use tidegate_agentping_ports::ClaimKey;
use tidegate_kernel::Region;

/// Bytes of an id that are a claim's field in its bucket's hash. The five bytes before them name the bucket.
pub(crate) const FIELD_BYTES: usize = 11;
const FIELD_BITS: u32 = 8 * FIELD_BYTES as u32;

/// The address of a claim within its team: kind and id. In sorted order the addresses of one bucket are adjacent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaimAddress {
    kind: u8,
    bits: u128,
}

impl ClaimAddress {
    pub fn of(key: ClaimKey) -> Self {
        let (kind, region, bits) = match key {
            ClaimKey::Start(run) => (b's', run.region(), run.bits()),
            ClaimKey::Finish(run) => (b'f', run.region(), run.bits()),
            ClaimKey::Event(event) => (b'e', event.region(), event.bits()),
        };
        let kind = match region {
            Region::Eu => kind,
            Region::Us => kind.to_ascii_uppercase(),
        };
        ClaimAddress { kind, bits }
    }

    pub const fn bucket(self) -> Bucket {
        Bucket { kind: self.kind, slice: (self.bits >> FIELD_BITS) as u64 }
    }

    pub fn field(self) -> [u8; FIELD_BYTES] {
        let mut field = [0; FIELD_BYTES];
        field.copy_from_slice(&self.bits.to_be_bytes()[16 - FIELD_BYTES..]);
        field
    }
}

/// The hash of claims on ids of one kind and region that were born in the same 256 ms: small enough that Redis packs
/// most of them, and large enough that a batch of events needs one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    kind: u8,
    slice: u64,
}

impl Bucket {
    /// The earliest birth time of the bucket's ids, in milliseconds.
    pub const fn born_ms(self) -> u64 {
        self.slice << 8
    }
}

/// The keys of one team.
pub(crate) struct TeamKeys(String);

impl TeamKeys {
    pub fn new(prefix: &str, team: TeamId) -> Self {
        TeamKeys(format!("{prefix}:{{{}{:032x}}}:", team.region(), team.bits()))
    }

    /// The hash of the team's state.
    pub fn state(&self) -> String {
        format!("{}t", self.0)
    }

    /// The hash of a bucket's claims.
    pub fn bucket(&self, bucket: Bucket) -> String {
        format!("{}{}{:010x}", self.0, char::from(bucket.kind), bucket.slice)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_agentping::{EventId, RunId};

    use super::*;

    const BITS: u128 = 0x0190_aabb_ccdd_7eee_8fff_0011_2233_4455;

    #[test]
    fn a_claim_is_found_by_the_bucket_of_its_birth_and_the_rest_of_its_id() {
        let address = ClaimAddress::of(ClaimKey::Event(EventId::from_bits(Region::Eu, BITS)));
        let keys = TeamKeys::new("tidegate.eu", TeamId::from_bits(Region::Eu, 7));
        assert_eq!(keys.state(), "tidegate.eu:{eu00000000000000000000000000000007}:t");
        assert_eq!(keys.bucket(address.bucket()), "tidegate.eu:{eu00000000000000000000000000000007}:e0190aabbcc");
        assert_eq!(address.field(), [0xdd, 0x7e, 0xee, 0x8f, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55]);
        assert_eq!(address.bucket().born_ms(), 0x0190_aabb_cc00);
    }

    #[test]
    fn kinds_and_regions_do_not_share_an_address() {
        let run = |region| RunId::from_bits(region, BITS);
        let mut addresses: Vec<ClaimAddress> = Region::ALL
            .into_iter()
            .flat_map(|region| {
                let event = EventId::from_bits(region, BITS);
                [ClaimKey::Start(run(region)), ClaimKey::Finish(run(region)), ClaimKey::Event(event)]
            })
            .map(ClaimAddress::of)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 6);
    }
}
