//! The table from a cause to its label and outcome.

/// Makes a public enum `Cause` of the lines `Variant "label" Outcome;`, where the outcome is `Refused`, `Failed` or
/// `Unknown` of [`RequestOutcome`](crate::RequestOutcome).
#[macro_export]
macro_rules! causes {
    ($(#[$about:meta])* $($cause:ident $label:literal $outcome:ident;)*) => {
        $crate::labels! {
            $(#[$about])*
            pub enum Cause {
                $($cause $label;)*
            }
        }

        impl Cause {
            pub const ALL: &[Cause] = &[$(Cause::$cause,)*];

            /// The label in metrics and logs.
            #[allow(dead_code, reason = "a port may use the trait alone")]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Cause::$cause => $label,)*
                }
            }

            /// Refused: caused by the caller or a policy. Failed: caused by us. Unknown: the outcome is not known.
            pub const fn outcome(self) -> $crate::RequestOutcome {
                match self {
                    $(Cause::$cause => $crate::RequestOutcome::$outcome,)*
                }
            }
        }

        impl $crate::RefusalCause for Cause {
            fn outcome(self) -> $crate::RequestOutcome {
                Cause::outcome(self)
            }
        }
    };
}
