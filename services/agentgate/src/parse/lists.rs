//! The queries of lists: page and filters (AgentGate: pagination and filters). Parameters that are not known are ignored.

use std::ops::RangeInclusive;

use tidegate_agentgate::RunStatus;
use tidegate_agentgate::views::TransactionType;
use tidegate_door::query::Query;
use tidegate_kernel::Timestamp;

use super::fields::{FieldError, FieldErrors, FieldFault};
use super::instant;

const MAX_LIMIT: u64 = 100;
const MAX_OFFSET: u64 = u32::MAX as u64;
const MAX_FILTER_CHARS: usize = 256;
const STATUSES: [&str; 5] = ["pending", "running", "succeeded", "failed", "cancelled"];
const KINDS: [&str; 3] = ["deduction", "purchase", "refund"];

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub limit: usize,
    pub offset: usize,
}

/// Which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunQuery {
    pub status: Option<RunStatus>,
    pub tenant_id: Option<String>,
    pub tenant_user_id: Option<String>,
    pub page: Page,
}

/// Which transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    pub tenant_id: Option<String>,
    pub tenant_user_id: Option<String>,
    pub kind: Option<TransactionType>,
    pub page: Page,
}

/// Which templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateQuery {
    pub tag: Option<String>,
    pub page: Page,
}

/// Reads parameters, and collects what is wrong with them.
struct Parameters<'q> {
    query: &'q Query<'q>,
    errors: Vec<(usize, FieldError)>,
}

impl<'q> Parameters<'q> {
    fn of(query: &'q Query<'q>) -> Self {
        Parameters { query, errors: Vec::new() }
    }

    /// What `read` makes of a parameter that was sent.
    fn get<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, (FieldFault, String)>) -> Option<T> {
        let parameters = self.query.parameters();
        let mut named = parameters.iter().enumerate().filter(|(_, parameter)| parameter.is(name));
        let (at, parameter) = named.next()?;
        let read = match (&parameter.value, named.next()) {
            (_, Some(_)) => Err((FieldFault::Format, "must be sent once".to_owned())),
            (Err(fault), None) => Err((FieldFault::Format, fault.to_string())),
            (Ok(value), None) => read(value),
        };
        match read {
            Ok(value) => Some(value),
            Err((fault, message)) => {
                self.errors.push((at, FieldError { field: name.to_owned(), message, fault }));
                None
            }
        }
    }

    fn whole(&mut self, name: &str, range: RangeInclusive<u64>, default: u64) -> usize {
        let read = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err((FieldFault::Format, "must be a whole number".to_owned()));
            }
            let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| (FieldFault::Value, format!("must be from {} to {}", range.start(), range.end())))
        };
        // Both ranges fit.
        self.get(name, read).unwrap_or(default) as usize
    }

    fn page(&mut self, default_limit: u64) -> Page {
        let limit = self.whole("limit", 1..=MAX_LIMIT, default_limit);
        Page { limit, offset: self.whole("offset", 0..=MAX_OFFSET, 0) }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.get(name, |text| match text.chars().count() {
            1..=MAX_FILTER_CHARS => Ok(text.to_owned()),
            0 => Err((FieldFault::Value, "must not be empty".to_owned())),
            _ => Err((FieldFault::Value, format!("must have at most {MAX_FILTER_CHARS} characters"))),
        })
    }

    fn word(&mut self, name: &str, words: &[&'static str]) -> Option<&'static str> {
        self.get(name, |text| {
            let word = words.iter().find(|word| **word == text).copied();
            word.ok_or_else(|| (FieldFault::Value, format!("must be one of {}", words.join(", "))))
        })
    }

    fn instant(&mut self, name: &str, read: fn(&str) -> Option<Timestamp>) -> Option<Timestamp> {
        self.get(name, |text| {
            let message = || (FieldFault::Format, "must be an ISO 8601 date or time".to_owned());
            read(text).ok_or_else(message)
        })
    }

    fn done<T>(mut self, read: T) -> Result<T, FieldErrors> {
        self.errors.sort_by_key(|(at, _)| *at);
        FieldErrors::unless_none(self.errors.into_iter().map(|(_, error)| error).collect()).map_or(Ok(read), Err)
    }
}

impl Page {
    /// A list that has no filters.
    ///
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(query: &Query<'_>) -> Result<Self, FieldErrors> {
        let mut parameters = Parameters::of(query);
        let page = parameters.page(20);
        parameters.done(page)
    }
}

impl RunQuery {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(query: &Query<'_>) -> Result<Self, FieldErrors> {
        let mut parameters = Parameters::of(query);
        let read = RunQuery {
            status: parameters.word("status", &STATUSES).and_then(RunStatus::parse),
            tenant_id: parameters.text("tenantId"),
            tenant_user_id: parameters.text("tenantUserId"),
            page: parameters.page(20),
        };
        parameters.done(read)
    }
}

impl UsageQuery {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(query: &Query<'_>) -> Result<Self, FieldErrors> {
        let mut parameters = Parameters::of(query);
        let from = parameters.instant("startDate", instant::start);
        let mut to = parameters.instant("endDate", instant::end);
        if let (Some(start), Some(end)) = (from, to)
            && end <= start
        {
            to = parameters.get("endDate", |_| Err((FieldFault::Value, "must not be before startDate".to_owned())));
        }
        let read = UsageQuery {
            from,
            to,
            tenant_id: parameters.text("tenantId"),
            tenant_user_id: parameters.text("tenantUserId"),
            kind: parameters.word("type", &KINDS).and_then(TransactionType::parse),
            page: parameters.page(50),
        };
        parameters.done(read)
    }
}

impl TemplateQuery {
    /// # Errors
    /// [`FieldErrors`].
    pub fn read(query: &Query<'_>) -> Result<Self, FieldErrors> {
        let mut parameters = Parameters::of(query);
        let read = TemplateQuery { tag: parameters.text("tag"), page: parameters.page(20) };
        parameters.done(read)
    }
}
