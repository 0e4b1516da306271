//! What a client's key may do.

use serde::{Deserialize, Serialize};

/// One permission. Write does not imply read; only [`Scope::All`] covers others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "work-orders:write")]
    WorkOrdersWrite,
    #[serde(rename = "work-orders:read")]
    WorkOrdersRead,
    #[serde(rename = "runs:read")]
    RunsRead,
    #[serde(rename = "runs:write")]
    RunsWrite,
    #[serde(rename = "credits:read")]
    CreditsRead,
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
    #[serde(rename = "templates:read")]
    TemplatesRead,
    #[serde(rename = "templates:write")]
    TemplatesWrite,
    #[serde(rename = "*")]
    All,
}

impl Scope {
    pub const ALL: [Scope; 10] = [
        Scope::WorkOrdersWrite,
        Scope::WorkOrdersRead,
        Scope::RunsRead,
        Scope::RunsWrite,
        Scope::CreditsRead,
        Scope::WebhooksRead,
        Scope::WebhooksWrite,
        Scope::TemplatesRead,
        Scope::TemplatesWrite,
        Scope::All,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::WorkOrdersWrite => "work-orders:write",
            Scope::WorkOrdersRead => "work-orders:read",
            Scope::RunsRead => "runs:read",
            Scope::RunsWrite => "runs:write",
            Scope::CreditsRead => "credits:read",
            Scope::WebhooksRead => "webhooks:read",
            Scope::WebhooksWrite => "webhooks:write",
            Scope::TemplatesRead => "templates:read",
            Scope::TemplatesWrite => "templates:write",
            Scope::All => "*",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// The scopes of a key. JSON: a list of names, in the order of [`Scope::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u16);

impl Scopes {
    pub const NONE: Scopes = Scopes(0);

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a key with these scopes may do what `needed` names.
    pub const fn permit(self, needed: Scope) -> bool {
        self.0 & (1 << needed as u16 | 1 << Scope::All as u16) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & 1 << *scope as u16 != 0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u16))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_and_the_same() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("runs"), None);
    }

    #[test]
    fn only_the_star_covers_others() {
        let read: Scopes = [Scope::RunsRead].into_iter().collect();
        let star: Scopes = [Scope::All].into_iter().collect();
        for scope in Scope::ALL {
            assert_eq!(read.permit(scope), scope == Scope::RunsRead, "{scope:?}");
            assert!(star.permit(scope) && !Scopes::NONE.permit(scope), "{scope:?}");
        }
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["runs:read"]"#);
    }
}
