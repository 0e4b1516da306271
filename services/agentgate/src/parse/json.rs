//! A body as JSON: one object, without repeated members, not too deep, its members in the order sent.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidegate_kernel::free_json::{FreeJsonError, FreeJsonLimits, content_hash};

/// Levels of nesting at most.
const MAX_DEPTH: u32 = 32;
/// Members of all objects of a body at most.
const MAX_MEMBERS: u32 = 10_000;

/// What is wrong with a body as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("The body is not UTF-8 text.")]
    NotText,
    #[error("The body {0}.")]
    Json(#[from] FreeJsonError),
    #[error("The body must be a JSON object.")]
    NotObject,
}

/// An object's members in the order sent. No name is there twice.
#[derive(Debug)]
pub(crate) struct Object<'j>(Vec<(String, &'j RawValue)>);

/// A body that is an object.
#[derive(Debug)]
pub(crate) struct JsonBody<'j> {
    pub object: Object<'j>,
    /// A hash of its content: white space, the order of members and the spelling of texts and numbers do not change it.
    pub content: [u8; 8],
}

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

/// The members of a body.
///
/// # Errors
/// [`BodyFault`].
pub(crate) fn json_object(body: &[u8]) -> Result<JsonBody<'_>, BodyFault> {
    let text = std::str::from_utf8(body).map_err(|_| BodyFault::NotText)?;
    let hash = content_hash(text, FreeJsonLimits { max_depth: MAX_DEPTH, max_members: MAX_MEMBERS })?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| FreeJsonError::NotJson)?;
    let object = Object::read(raw).ok_or(BodyFault::NotObject)?;
    Ok(JsonBody { object, content: hash.to_be_bytes() })
}

impl<'j> Object<'j> {
    /// `None`: the value is no object.
    pub fn read(raw: &'j RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// The member with this name, and its place.
    pub fn find(&self, name: &str) -> Option<(usize, &'j RawValue)> {
        let at = self.0.iter().position(|(member, _)| member == name)?;
        Some((at, self.0[at].1))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A raw value has no white space around it, so its first byte says what it is.
pub(crate) fn kind_of(raw: &RawValue) -> Kind {
    match raw.get().as_bytes().first() {
        Some(b'"') => Kind::Text,
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_object_without_repeated_members() {
        assert_eq!(json_object(b" {\"a\": 1, \"b\": {\"a\": 2}} ").map(|body| body.object.len()), Ok(2));
        for (body, fault) in [
            (&b""[..], BodyFault::Json(FreeJsonError::NotJson)),
            (b"{", BodyFault::Json(FreeJsonError::NotJson)),
            (b"{} {}", BodyFault::Json(FreeJsonError::NotJson)),
            (b"[]", BodyFault::NotObject),
            (b"null", BodyFault::NotObject),
            (b"\"x\"", BodyFault::NotObject),
            (b"{\"a\": \"\xff\"}", BodyFault::NotText),
            (b"{\"a\": 1, \"a\": 1}", BodyFault::Json(FreeJsonError::Repeated)),
            (b"{\"x\": {\"a\": 1, \"\\u0061\": 2}}", BodyFault::Json(FreeJsonError::Repeated)),
        ] {
            assert_eq!(json_object(body).map(|body| body.object.len()), Err(fault), "{body:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(json_object(nested(32).as_bytes()).is_ok());
        let too_deep = BodyFault::Json(FreeJsonError::TooDeep { max: 32 });
        assert_eq!(json_object(nested(33).as_bytes()).map(|body| body.object.len()), Err(too_deep));
    }
}
