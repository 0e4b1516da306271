//! Query parameters: each known one at most once, unknown ones refused.

use axum::extract::Query;
use http::Uri;

use crate::problem::Problem;

/// A whole number from 1 to `max`.
pub(crate) fn whole(text: &str, max: usize) -> Option<usize> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (1..=max).contains(number))
}

/// What a request's query string holds, by name.
pub(crate) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    /// # Errors
    /// [`Problem::ParameterUnknown`] or [`Problem::ParameterRepeated`].
    pub fn read(uri: &Uri, known: &'static [&'static str]) -> Result<Self, Problem> {
        // A list of pairs takes any query string; bytes that are no text become replacement characters.
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        let mut read: Vec<(&'static str, String)> = Vec::with_capacity(pairs.len().min(known.len()));
        for (name, value) in pairs {
            let Some(name) = known.iter().find(|known| **known == name) else {
                return Err(Problem::ParameterUnknown { name, known });
            };
            if read.iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::ParameterRepeated { name });
            }
            read.push((name, value));
        }
        Ok(Parameters(read))
    }

    /// The parameter `name` as `parse` reads it, or `None` if it was not given. `must` says what `parse` wants.
    ///
    /// # Errors
    /// [`Problem::ParameterInvalid`].
    pub fn get<T>(
        &self,
        name: &'static str,
        must: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some((_, value)) = self.0.iter().find(|(given, _)| *given == name) else {
            return Ok(None);
        };
        let invalid = || Problem::ParameterInvalid { name, value: value.clone(), must: must.to_owned() };
        parse(value).map(Some).ok_or_else(invalid)
    }
}
