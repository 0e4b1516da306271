//! Query parameters: each known one at most once, unknown ones refused.

use http::Uri;
use tidegate_door::query::Query;

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
    /// [`Problem::ParameterUnknown`], [`Problem::ParameterRepeated`] or [`Problem::ParameterNoText`].
    pub fn read(uri: &Uri, known: &'static [&'static str]) -> Result<Self, Problem> {
        let query = Query::read(uri.query());
        let mut read: Vec<(&'static str, String)> = Vec::with_capacity(known.len());
        for parameter in query.parameters() {
            let Some(name) = known.iter().find(|known| parameter.is(known)) else {
                let name = parameter.name.as_deref().unwrap_or("?").to_owned();
                return Err(Problem::ParameterUnknown { name, known });
            };
            if read.iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::ParameterRepeated { name });
            }
            match &parameter.value {
                Ok(value) => read.push((name, value.to_string())),
                Err(fault) => return Err(Problem::ParameterNoText { name, fault: fault.clone() }),
            }
        }
        Ok(Parameters(read))
    }

    /// Whether the parameter was given.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == name)
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
