//! Templates' ids, and the templates that every organization has.

use std::fmt;

use serde::{Deserialize, Serialize};
use tidegate_kernel::SmolStr;

/// A template's id, chosen by the client: 1 to 64 lowercase letters, digits and hyphens, none at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct TemplateId(SmolStr);

/// A text that is no template's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a template's id is 1 to 64 lowercase letters, digits and hyphens, with no hyphen at either end")]
pub struct TemplateIdError;

impl TemplateId {
    pub const MAX_CHARS: usize = 64;

    /// # Errors
    /// [`TemplateIdError`].
    pub fn parse(text: &str) -> Result<Self, TemplateIdError> {
        let is_slug = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        let is_id = is_slug && fits && !text.starts_with('-') && !text.ends_with('-');
        is_id.then(|| TemplateId(text.into())).ok_or(TemplateIdError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_built_in(&self) -> bool {
        BuiltIn::find(self.as_str()).is_some()
    }
}

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<SmolStr> for TemplateId {
    type Error = TemplateIdError;

    fn try_from(text: SmolStr) -> Result<Self, TemplateIdError> {
        TemplateId::parse(&text)
    }
}

impl From<TemplateId> for SmolStr {
    fn from(id: TemplateId) -> Self {
        id.0
    }
}

/// A template that every organization has, and none can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub tags: &'static [&'static str],
}

impl BuiltIn {
    /// In the order of ids.
    pub const ALL: [BuiltIn; 6] = [
        BuiltIn {
            id: "next-typescript",
            name: "Next.js with TypeScript",
            description: "A web application with Next.js",
            tags: &["typescript", "next", "web"],
        },
        BuiltIn {
            id: "node-typescript-api",
            name: "Node.js API with TypeScript",
            description: "An HTTP API on Node.js",
            tags: &["typescript", "node", "api"],
        },
        BuiltIn {
            id: "node-typescript-lib",
            name: "Node.js library with TypeScript",
            description: "A package for Node.js",
            tags: &["typescript", "node", "library"],
        },
        BuiltIn {
            id: "python-fastapi",
            name: "Python API with FastAPI",
            description: "An HTTP API with FastAPI",
            tags: &["python", "fastapi", "api"],
        },
        BuiltIn {
            id: "python-flask",
            name: "Python web application with Flask",
            description: "A web application with Flask",
            tags: &["python", "flask", "web"],
        },
        BuiltIn {
            id: "react-typescript",
            name: "React with TypeScript",
            description: "A single-page application with React",
            tags: &["typescript", "react", "web"],
        },
    ];

    pub fn find(id: &str) -> Option<&'static BuiltIn> {
        static ALL: [BuiltIn; 6] = BuiltIn::ALL;
        ALL.iter().find(|built_in| built_in.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_slugs() {
        let longest = "a".repeat(64);
        for good in ["a", "9", "a-b", "a--b", longest.as_str()] {
            assert_eq!(TemplateId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
        let too_long = "a".repeat(65);
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", too_long.as_str()] {
            assert_eq!(TemplateId::parse(bad), Err(TemplateIdError), "{bad}");
        }
    }

    #[test]
    fn built_ins_have_ids_in_order() {
        assert!(BuiltIn::ALL.is_sorted_by_key(|built_in| built_in.id));
        assert!(BuiltIn::ALL.iter().all(|built_in| TemplateId::parse(built_in.id).is_ok_and(|id| id.is_built_in())));
        assert!(!TemplateId::parse("mine").unwrap().is_built_in());
    }
}
