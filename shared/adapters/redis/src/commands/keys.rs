//! The keys in Redis. Every key of an owner has the owner as its hash tag.

use std::fmt::Write as _;

/// The keys of one owner.
pub(super) struct OwnerTag(String);

impl OwnerTag {
    /// Braces in the owner are escaped: the tag ends at its own closing brace, and no two owners share a key.
    pub fn new(prefix: &str, owner: &str) -> Self {
        let mut tag = format!("{prefix}:{{");
        for char in owner.chars() {
            match char {
                // Writing to a text does not fail.
                '{' | '}' | '%' => _ = write!(tag, "%{:02X}", u32::from(char)),
                other => tag.push(other),
            }
        }
        tag.push_str("}:");
        OwnerTag(tag)
    }

    pub fn window(&self, name: &str) -> String {
        format!("{}w:{name}", self.0)
    }

    pub fn mark(&self, key: &str) -> String {
        format!("{}m:{key}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::OwnerTag;

    #[test]
    fn the_hash_tag_is_the_owner() {
        let tag = OwnerTag::new("tidegate.agentgate.eu", "org_1");
        assert_eq!(tag.window("create"), "tidegate.agentgate.eu:{org_1}:w:create");
        assert_eq!(tag.mark("k}"), "tidegate.agentgate.eu:{org_1}:m:k}");
        for (owner, key) in [("}a{", "p:{%7Da%7B}:w:x"), ("%7D", "p:{%257D}:w:x"), ("é", "p:{é}:w:x")] {
            assert_eq!(OwnerTag::new("p", owner).window("x"), key);
        }
    }
}
