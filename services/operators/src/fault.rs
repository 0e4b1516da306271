//! Why a page cannot be shown.

use std::time::Duration;

use http::StatusCode;
use maud::{Markup, html};
use tidegate_ports::StoreError;

use crate::frame::{Here, framed};

/// What is missing for a page.
#[derive(Debug)]
pub(crate) enum Fault {
    /// This process has no rows of AgentGate.
    NotHere,
    /// A value in the URL that means nothing: its name, the value, what it can be.
    Unknown(&'static str, String, &'static str),
    Late(Duration),
    Store(StoreError),
    /// A row that this release cannot read.
    Unreadable(&'static str, serde_json::Error),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::Store(error)
    }
}

impl Fault {
    pub fn status(&self) -> StatusCode {
        match self {
            Fault::NotHere | Fault::Unknown(..) => StatusCode::NOT_FOUND,
            Fault::Late(_) | Fault::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Unreadable(..) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Fault::NotHere => "This process has no rows of AgentGate, or it is starting or stopping. Its front doors \
                               (tidegate agentgate serve) and deciders (tidegate decide --api agentgate) have them: open \
                               this page on the operations port of one."
                .to_owned(),
            Fault::Unknown(name, value, allowed) => format!("{name} is '{value}', and must be {allowed}."),
            Fault::Late(within) => format!("The store did not answer within {} s. The page tries again.", within.as_secs()),
            Fault::Store(error) => format!("The store cannot be read: {error}. The page tries again."),
            Fault::Unreadable(what, error) => {
                format!("{what} cannot be read: {error}. Is this release older than the one that wrote it?")
            }
        }
    }

    pub fn page(&self, here: Here) -> Markup {
        framed(
            here,
            html! {
                h1 { (here.title()) }
                p.alert role="status" { (self.message()) }
            },
        )
    }
}

pub(crate) fn no_such_file() -> Markup {
    framed(
        Here::Pipeline,
        html! { h1 { "No such file" } p { "The page that names it is of another release: load it again." } },
    )
}
