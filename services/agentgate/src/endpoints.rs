//! The platform's endpoints: one file for each kind of resource.

pub(crate) mod cancel;
pub(crate) mod credits;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod submit;
pub(crate) mod template;
pub(crate) mod template_wire;
pub(crate) mod templates;
pub(crate) mod usage;
pub(crate) mod webhook;
pub(crate) mod webhook_test;
pub(crate) mod webhook_wire;
pub(crate) mod webhooks;
pub(crate) mod work_order;
