//! The body of a form, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use tidegate_door::ByteBudget;
use tidegate_door::body::{BodyError, Bounds, read};
use tidegate_door::query::Query;

use crate::problem::Problem;

/// The largest form.
pub(crate) const MAX_BYTES: usize = 16 << 10;
/// Bytes of all forms in progress at most.
pub(crate) const FORMS_BYTES: usize = 4 << 20;
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Fields that a refusal does not give back: those that a page fills in, and those that hold a secret.
const NOT_GIVEN_BACK: [&str; 4] = ["csrf", "incident", "key", "target"];

/// What a browser has sent of a form.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// # Errors
    /// [`Problem::Form`], for a body that does not arrive or is no text.
    pub async fn read(forms: &ByteBudget, headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        let permit = forms.none();
        let bounds = Bounds { max_bytes: MAX_BYTES, read_timeout: READ_TIMEOUT };
        let bytes = read(headers, body, bounds, &permit).await.map_err(|error| match error {
            BodyError::OverBudget => Problem::Busy,
            error => Problem::Form(error.to_string()),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| Problem::Form("the form is no text".to_owned()))?;
        let query = Query::read(Some(&text));
        let fields = query.parameters().iter().filter_map(|field| {
            let (name, value) = (field.name.as_deref().ok()?, field.value.as_deref().ok()?);
            Some((name.to_owned(), value.to_owned()))
        });
        Ok(Form(fields.collect()))
    }

    /// A field's value; empty if it was not sent.
    pub fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(sent, _)| sent == name).map_or("", |(_, value)| value)
    }

    /// The fields that were filled in, with their values, to be given back if the form is refused.
    pub fn filled_in(&self) -> Vec<(String, String)> {
        let is_shown =
            |(name, value): &&(String, String)| !NOT_GIVEN_BACK.contains(&name.as_str()) && !value.trim().is_empty();
        self.0.iter().filter(is_shown).cloned().collect()
    }
}
