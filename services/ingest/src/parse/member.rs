//! Reading one member as what it must be. Absent and `null` members read as `None`.

use std::borrow::Cow;

use tidegate_agentping::id::IdKind;
use tidegate_agentping::{Id, Slug};
use tidegate_kernel::{Region, Timestamp, Usd};

use super::fault::{Fault, ParentObject};
use super::{diagnosis, ids, number};

/// One member of an object, still raw.
#[derive(Clone, Copy, Debug)]
pub struct Member<'de> {
    pub(super) place: ParentObject,
    pub(super) name: &'static str,
    /// Its JSON.
    pub(super) text: Option<&'de str>,
}

impl<'de> Member<'de> {
    /// Absent, `null` or `""`: what a required member must not be.
    pub fn is_blank(&self) -> bool {
        self.text.is_none_or(|text| matches!(text, "null" | "\"\""))
    }

    pub fn field(&self) -> String {
        self.place.field(self.name)
    }

    pub fn malformed(&self, reason: impl Into<String>) -> Fault {
        Fault::Malformed { field: self.field(), reason: reason.into() }
    }

    /// A required member was checked to be there before; this is the answer if it is not.
    pub fn missing(&self) -> Fault {
        Fault::Missing { field: self.field() }
    }

    /// A string, borrowed unless it has escapes.
    ///
    /// # Errors
    /// [`Fault::Malformed`]; or [`Fault::NotJson`] where an escape stands for no character.
    pub fn text(&self) -> Result<Option<Cow<'de, str>>, Fault> {
        let Some(raw) = self.text else { return Ok(None) };
        match unquoted(raw) {
            Some(text) => Ok(Some(text)),
            None if raw.starts_with('"') => {
                let found = diagnosis::of(raw).map(|found| found.what);
                let reason = found.unwrap_or_else(|| "has an escape that stands for no character".to_owned());
                Err(Fault::NotJson { field: Some(self.field()), reason })
            }
            None => Err(self.malformed("must be a string")),
        }
    }

    /// A string of at most `max` characters.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn text_up_to(&self, max: usize) -> Result<Option<Cow<'de, str>>, Fault> {
        let text = self.text()?;
        match &text {
            Some(text) if text.len() > max && text.chars().count() > max => {
                Err(self.malformed(format!("must be at most {max} characters")))
            }
            _ => Ok(text),
        }
    }

    /// An agent's name, without the blanks at its ends.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn slug(&self) -> Result<Option<Slug>, Fault> {
        self.text()?.map(|text| Slug::sent(&text).map_err(|error| self.malformed(error.to_string()))).transpose()
    }

    /// An instant.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn instant(&self) -> Result<Option<Timestamp>, Fault> {
        self.text()?.map(|text| Timestamp::parse(&text).map_err(|error| self.malformed(error.to_string()))).transpose()
    }

    /// An id of the endpoint's region.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if it is no string, else as [`ids::of_region`].
    pub fn id<K: IdKind>(&self, region: Region) -> Result<Option<Id<K>>, Fault> {
        self.text()?.map(|text| ids::of_region(&text, region, || self.field())).transpose()
    }

    /// An id of either region.
    ///
    /// # Errors
    /// [`Fault::Malformed`] if it is no string, else as [`ids::of_any_region`].
    pub fn id_of_any_region<K: IdKind>(&self) -> Result<Option<Id<K>>, Fault> {
        self.text()?.map(|text| ids::of_any_region(&text, || self.field())).transpose()
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn whole(&self, min: u64, max: u64) -> Result<Option<u64>, Fault> {
        let Some(raw) = self.text else { return Ok(None) };
        match number::whole(raw) {
            Some(value) if (min..=max).contains(&value) => Ok(Some(value)),
            _ => Err(self.malformed(format!("must be a whole number from {min} to {max}"))),
        }
    }

    /// An amount of US dollars.
    ///
    /// # Errors
    /// [`Fault::Malformed`].
    pub fn usd(&self) -> Result<Option<Usd>, Fault> {
        let Some(raw) = self.text else { return Ok(None) };
        Usd::parse(raw).map(Some).map_err(|error| self.malformed(error.to_string()))
    }
}

/// The text of a raw JSON string; `None` if it is no string, or one with an escape that stands for no character.
pub fn unquoted(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}
