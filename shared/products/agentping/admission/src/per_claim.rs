//! One value for each claim of a request, by the claim's name: the opening, the closing, the events.
//!
//! The gate's port takes and gives flat lists, in the order opening, closing, events. [`PerClaim::flatten`] and
//! [`PerClaim::fill`] convert; `asking.rs` is their only user.

/// The name of one claim of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimName {
    /// The request opens its run.
    Opening,
    /// The request closes its run.
    Closing,
    /// The event at this index of the request's batch.
    Event(usize),
}

/// One `T` for each claim of a request. A start has an opening, a finish a closing, a closing heartbeat both, a batch
/// has events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerClaim<T> {
    pub opening: Option<T>,
    pub closing: Option<T>,
    /// In the order of the batch.
    pub events: Vec<T>,
}

impl<T> PerClaim<T> {
    /// For a request without claims.
    pub const NONE: Self = PerClaim { opening: None, closing: None, events: Vec::new() };

    pub fn is_empty(&self) -> bool {
        self.opening.is_none() && self.closing.is_none() && self.events.is_empty()
    }

    pub fn get(&self, name: ClaimName) -> Option<&T> {
        match name {
            ClaimName::Opening => self.opening.as_ref(),
            ClaimName::Closing => self.closing.as_ref(),
            ClaimName::Event(index) => self.events.get(index),
        }
    }

    pub fn get_mut(&mut self, name: ClaimName) -> Option<&mut T> {
        match name {
            ClaimName::Opening => self.opening.as_mut(),
            ClaimName::Closing => self.closing.as_mut(),
            ClaimName::Event(index) => self.events.get_mut(index),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.opening.iter().chain(&self.closing).chain(&self.events)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.opening.iter_mut().chain(&mut self.closing).chain(&mut self.events)
    }

    /// All values, each with its claim's name.
    pub fn named(&self) -> impl Iterator<Item = (ClaimName, &T)> {
        let opening = self.opening.iter().map(|value| (ClaimName::Opening, value));
        let closing = self.closing.iter().map(|value| (ClaimName::Closing, value));
        let events = self.events.iter().enumerate().map(|(index, value)| (ClaimName::Event(index), value));
        opening.chain(closing).chain(events)
    }

    /// In the order of [`PerClaim::flatten`].
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerClaim<U> {
        self.map_named(|_, value| f(value))
    }

    /// In the order of [`PerClaim::flatten`].
    pub fn map_named<U>(self, mut f: impl FnMut(ClaimName, T) -> U) -> PerClaim<U> {
        let opening = self.opening.map(|value| f(ClaimName::Opening, value));
        let closing = self.closing.map(|value| f(ClaimName::Closing, value));
        let events = self.events.into_iter().enumerate().map(|(index, value)| f(ClaimName::Event(index), value));
        PerClaim { opening, closing, events: events.collect() }
    }

    pub fn as_ref(&self) -> PerClaim<&T> {
        PerClaim {
            opening: self.opening.as_ref(),
            closing: self.closing.as_ref(),
            events: self.events.iter().collect(),
        }
    }

    /// Pairs the values of each claim that has both.
    pub fn zip<U>(self, other: PerClaim<U>) -> PerClaim<(T, U)> {
        PerClaim {
            opening: self.opening.zip(other.opening),
            closing: self.closing.zip(other.closing),
            events: self.events.into_iter().zip(other.events).collect(),
        }
    }

    /// The values as one list: opening, closing, events. A list of events only is handed on as it is.
    pub fn flatten(self) -> Vec<T> {
        let PerClaim { opening, closing, events } = self;
        match (opening, closing) {
            (None, None) => events,
            (opening, closing) => opening.into_iter().chain(closing).chain(events).collect(),
        }
    }

    /// The reverse of [`PerClaim::flatten`]: `flat` has one value for each claim that this one has.
    pub fn fill<U>(&self, flat: Vec<U>) -> PerClaim<U> {
        if self.opening.is_none() && self.closing.is_none() {
            return PerClaim { events: flat, ..PerClaim::NONE };
        }
        let mut flat = flat.into_iter();
        let opening = self.opening.as_ref().and_then(|_| flat.next());
        let closing = self.closing.as_ref().and_then(|_| flat.next());
        PerClaim { opening, closing, events: flat.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<PerClaim<u32>> {
        vec![
            PerClaim::NONE,
            PerClaim { opening: Some(1), ..PerClaim::NONE },
            PerClaim { closing: Some(1), ..PerClaim::NONE },
            PerClaim { opening: Some(1), closing: Some(2), ..PerClaim::NONE },
            PerClaim { events: vec![1, 2, 3], ..PerClaim::NONE },
            PerClaim { opening: Some(1), closing: Some(2), events: vec![3, 4] },
        ]
    }

    #[test]
    fn what_is_flattened_and_filled_again_is_the_same() {
        for values in all() {
            let flat = values.clone().flatten();
            assert_eq!(flat, (1..).take(flat.len()).collect::<Vec<_>>());
            assert_eq!(values.clone().map(|_| ()).fill(flat), values);
        }
    }

    #[test]
    fn every_way_through_has_one_order_and_names_find_their_value() {
        for mut values in all() {
            let flat = values.clone().flatten();
            assert_eq!(values.iter().copied().collect::<Vec<_>>(), flat);
            assert_eq!(values.iter_mut().map(|value| *value).collect::<Vec<_>>(), flat);
            assert!(values.named().all(|(name, value)| values.get(name) == Some(value)));
            assert_eq!(values.as_ref().map(|value| value + 1), values.clone().map(|value| value + 1));
            assert_eq!(values.is_empty(), flat.is_empty());
        }
    }

    #[test]
    fn only_claims_that_both_have_are_paired() {
        let one = PerClaim { opening: Some('a'), closing: None, events: vec!['b'] };
        let other = PerClaim { opening: Some(1), closing: Some(2), events: vec![3, 4] };
        assert_eq!(one.zip(other), PerClaim { opening: Some(('a', 1)), closing: None, events: vec![('b', 3)] });
    }
}
