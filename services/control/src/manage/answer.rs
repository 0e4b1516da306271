//! Answers that are one object, and their tags.

use axum::body::Body;
use axum::response::Response;
use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use tidegate_door::entry::with_type;
use tidegate_kernel::free_json;

use crate::problem::Problem;

/// A strong tag of an object: it follows from what was set, so that it changes only when that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ETag(String);

impl ETag {
    /// # Errors
    /// [`Problem::Defect`]: it does not serialize.
    pub fn of(what_was_set: &impl Serialize) -> Result<Self, Problem> {
        let hash = free_json::text_hash_128(&[&serde_json::to_vec(what_was_set)?]);
        Ok(ETag(format!("\"{hash:032x}\"")))
    }

    /// Whether the change that is asked for may go through: its `If-Match`, if there is one, names this object.
    /// `None`: there is no object.
    ///
    /// # Errors
    /// [`Problem::Stale`].
    pub fn matched(current: Option<&ETag>, headers: &HeaderMap) -> Result<(), Problem> {
        let mut asked = headers.get_all(IF_MATCH).iter().peekable();
        if asked.peek().is_none() {
            return Ok(());
        }
        let mut tags = asked.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',').map(str::trim));
        let is_named = |current: &ETag| tags.any(|tag| tag == "*" || tag == current.0);
        match current.is_some_and(is_named) {
            true => Ok(()),
            false => Err(Problem::Stale),
        }
    }
}

/// An object with its tag.
///
/// # Errors
/// [`Problem::Defect`]: it does not serialize.
pub(crate) fn object(status: StatusCode, body: &impl Serialize, tag: &ETag) -> Result<Response, Problem> {
    let mut response = with_type("application/json", serde_json::to_vec(body)?);
    *response.status_mut() = status;
    let tag = HeaderValue::from_str(&tag.0).map_err(|error| Problem::Defect { cause: error.to_string() })?;
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

/// 204: it is gone.
pub(crate) fn deleted() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_goes_through_without_a_condition_or_with_the_tag_of_what_is_there() {
        let tag = ETag::of(&"a").unwrap();
        assert_eq!(tag, ETag::of(&"a").unwrap());
        assert_ne!(tag, ETag::of(&"b").unwrap());
        let asked = |values: &[&str], current: Option<&ETag>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
            }
            ETag::matched(current, &headers).is_ok()
        };
        let other = ETag::of(&"b").unwrap().0;
        let weak = format!("W/{}", tag.0);
        let listed = format!("{other} ,{}", tag.0);
        for (values, there, absent) in [
            (vec![], true, true),
            (vec!["*"], true, false),
            (vec![tag.0.as_str()], true, false),
            (vec![&listed], true, false),
            (vec![&other, &tag.0], true, false),
            (vec![&other], false, false),
            (vec![&weak], false, false),
            (vec![""], false, false),
        ] {
            assert_eq!((asked(&values, Some(&tag)), asked(&values, None)), (there, absent), "{values:?}");
        }
    }
}
