//! The members of an object, read one by one, with the errors that are found on the way.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_kernel::FreeJson;

use super::json::{Kind, Object, kind_of};

/// What is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldFault {
    /// It is required and is not there.
    Missing,
    /// It has another JSON type, or is no such text.
    Format,
    /// It is well formed and not allowed.
    Value,
}

/// One line of `details.errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// With dots and indexes: `workspaceSource.repository`, `events[0]`.
    pub field: String,
    pub message: String,
    #[serde(skip)]
    pub fault: FieldFault,
}

/// What is wrong with a request: at least one error, in the order of the document. What is missing comes last in the
/// object that misses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub fn of(field: impl Into<String>, fault: FieldFault, message: impl Into<String>) -> Self {
        FieldErrors(vec![FieldError { field: field.into(), message: message.into(), fault }])
    }

    /// `None`: there is no error.
    pub fn unless_none(errors: Vec<FieldError>) -> Option<Self> {
        (!errors.is_empty()).then_some(FieldErrors(errors))
    }

    /// # Errors
    /// Each of these fields is required and missing.
    pub fn missing(fields: impl Iterator<Item = String>) -> Result<(), Self> {
        let error = |field| FieldError { field, message: "is required".to_owned(), fault: FieldFault::Missing };
        FieldErrors::unless_none(fields.map(error).collect()).map_or(Ok(()), Err)
    }

    pub fn all(&self) -> &[FieldError] {
        &self.0
    }

    /// The fault, if there is only one error.
    pub fn only_fault(&self) -> Option<FieldFault> {
        match &self.0[..] {
            [only] => Some(only.fault),
            _ => None,
        }
    }
}

/// A field's place in the document: the index at each level.
type Place = Vec<usize>;

/// Collects errors.
#[derive(Debug, Default)]
pub(super) struct Errors(RefCell<Vec<(Place, FieldError)>>);

impl Errors {
    fn add(&self, place: Place, field: String, fault: FieldFault, message: String) {
        self.0.borrow_mut().push((place, FieldError { field, message, fault }));
    }

    /// What was read, unless there are errors.
    pub fn or_else<T>(self, read: Option<T>) -> Result<T, FieldErrors> {
        let mut found = self.0.into_inner();
        match read {
            Some(read) if found.is_empty() => Ok(read),
            _ => {
                // Errors of one place keep the order in which they were found.
                found.sort_by(|(one, _), (other, _)| one.cmp(other));
                Err(FieldErrors(found.into_iter().map(|(_, error)| error).collect()))
            }
        }
    }
}

/// An object whose members are read.
pub(super) struct Fields<'e, 'j> {
    errors: &'e Errors,
    object: Object<'j>,
    /// What the names of its members are put behind.
    prefix: String,
    place: Place,
    /// How many members were found missing.
    missing: RefCell<usize>,
}

/// One value that is read.
pub(super) struct Field<'e, 'j> {
    errors: &'e Errors,
    raw: &'j RawValue,
    name: String,
    place: Place,
}

impl<'e, 'j> Fields<'e, 'j> {
    /// The members of a body.
    pub fn of(object: Object<'j>, errors: &'e Errors) -> Self {
        Fields { errors, object, prefix: String::new(), place: Vec::new(), missing: RefCell::new(0) }
    }

    /// The member, if it is there.
    pub fn get(&self, name: &str) -> Option<Field<'e, 'j>> {
        let (at, raw) = self.object.find(name)?;
        let mut place = self.place.clone();
        place.push(at);
        Some(Field { errors: self.errors, raw, name: format!("{}{name}", self.prefix), place })
    }

    /// The member; an error if it is not there.
    pub fn required(&self, name: &str) -> Option<Field<'e, 'j>> {
        let found = self.get(name);
        if found.is_none() {
            let mut place = self.place.clone();
            place.push(self.object.len() + self.missing.replace_with(|missing| *missing + 1));
            let field = format!("{}{name}", self.prefix);
            self.errors.add(place, field, FieldFault::Missing, "is required".to_owned());
        }
        found
    }

    /// What `read` makes of the member; `Some(None)` if it is not there, `None` if it is wrong.
    pub fn optional<T>(&self, name: &str, read: impl FnOnce(Field<'e, 'j>) -> Option<T>) -> Option<Option<T>> {
        match self.get(name) {
            None => Some(None),
            Some(field) => read(field).map(Some),
        }
    }
}

impl<'e, 'j> Field<'e, 'j> {
    pub fn fault<T>(&self, fault: FieldFault, message: impl Into<String>) -> Option<T> {
        self.errors.add(self.place.clone(), self.name.clone(), fault, message.into());
        None
    }

    pub fn kind(&self) -> Kind {
        kind_of(self.raw)
    }

    /// A string of any length.
    pub fn string(&self) -> Option<String> {
        let text = (self.kind() == Kind::Text).then(|| serde_json::from_str(self.raw.get()).ok()).flatten();
        text.or_else(|| self.fault(FieldFault::Format, "must be a string"))
    }

    /// A string of so many characters, the white space around it not counted at the lower end.
    pub fn text(&self, chars: RangeInclusive<usize>) -> Option<String> {
        let text = self.string()?;
        let trimmed = text.trim().chars().count();
        if trimmed == 0 && *chars.start() > 0 {
            return self.fault(FieldFault::Value, "must not be empty");
        }
        if trimmed < *chars.start() || trimmed > *chars.end() {
            return self.fault(FieldFault::Value, format!("must have at most {} characters", chars.end()));
        }
        Some(text)
    }

    pub fn boolean(&self) -> Option<bool> {
        match self.raw.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => self.fault(FieldFault::Format, "must be true or false"),
        }
    }

    /// A whole number, written without a fraction or an exponent.
    pub fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.raw.get();
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.fault(FieldFault::Format, "must be a whole number");
        }
        // What does not fit is out of range, too.
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.or_else(|| self.fault(FieldFault::Value, format!("must be from {} to {}", range.start(), range.end())))
    }

    /// One of some words.
    pub fn word(&self, words: &[&'static str]) -> Option<&'static str> {
        let text = self.string()?;
        let word = words.iter().find(|word| **word == text).copied();
        word.or_else(|| self.fault(FieldFault::Value, format!("must be one of {}", words.join(", "))))
    }

    /// The members of an object.
    pub fn object(&self) -> Option<Fields<'e, 'j>> {
        let Some(object) = Object::read(self.raw) else {
            return self.fault(FieldFault::Format, "must be an object");
        };
        let (prefix, place) = (format!("{}.", self.name), self.place.clone());
        Some(Fields { errors: self.errors, object, prefix, place, missing: RefCell::new(0) })
    }

    /// An object of any members, as it was sent, of at most so many bytes.
    pub fn free_object(&self, max_bytes: usize) -> Option<FreeJson> {
        if self.kind() != Kind::Object {
            return self.fault(FieldFault::Format, "must be an object");
        }
        self.free(max_bytes)
    }

    /// Any value, as it was sent, of at most so many bytes.
    pub fn free(&self, max_bytes: usize) -> Option<FreeJson> {
        if self.raw.get().len() > max_bytes {
            return self.fault(FieldFault::Value, format!("must have at most {max_bytes} bytes"));
        }
        Some(FreeJson::from_raw(self.raw))
    }

    /// The values of an array.
    pub fn items(&self) -> Option<Vec<Field<'e, 'j>>> {
        let Some(items) = (self.kind() == Kind::Array)
            .then(|| serde_json::from_str::<Vec<&'j RawValue>>(self.raw.get()).ok())
            .flatten()
        else {
            return self.fault(FieldFault::Format, "must be an array");
        };
        let item = |(at, raw): (usize, &'j RawValue)| {
            let mut place = self.place.clone();
            place.push(at);
            Field { errors: self.errors, raw, name: format!("{}[{at}]", self.name), place }
        };
        Some(items.into_iter().enumerate().map(item).collect())
    }

    /// What `read` makes of each value of an array; `None` if any is wrong.
    pub fn each<T>(&self, max: usize, read: impl Fn(Field<'e, 'j>) -> Option<T>) -> Option<Vec<T>> {
        let items = self.items()?;
        if items.len() > max {
            return self.fault(FieldFault::Value, format!("must have at most {max} items"));
        }
        // All are read, so that all errors are found.
        let read: Vec<Option<T>> = items.into_iter().map(read).collect();
        read.into_iter().collect()
    }
}
