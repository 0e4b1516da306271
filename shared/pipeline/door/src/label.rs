//! The labels of metrics.

/// A closed set of labels of a metric: words of ours, never a client's. [`labels!`](crate::labels) makes such an enum.
pub trait Label: Copy + Send + Sync + 'static {
    /// All of them, in the order of [`index`](Label::index).
    const ALL: &'static [Self];

    /// As metrics and logs have it.
    fn label(self) -> &'static str;

    /// Its place in [`ALL`](Label::ALL).
    fn index(self) -> usize;
}

/// Makes an enum of the lines `Variant "label";`.
///
/// ```
/// use tidegate_door::Label;
///
/// tidegate_door::labels! {
///     /// The endpoints, as metrics name them.
///     pub enum Endpoint {
///         Things "things";
///         Other "other";
///     }
/// }
///
/// assert_eq!((Endpoint::Other.label(), Endpoint::Other.index()), ("other", 1));
/// ```
#[macro_export]
macro_rules! labels {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident { $($(#[$about_one:meta])* $variant:ident $label:literal;)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$about_one])* $variant,)+
        }

        impl $crate::Label for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
