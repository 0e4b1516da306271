//! The pages of operators over ports in memory: what they show, what they leave out, and what they say they do not know.

mod agentgate;
mod house;
mod pipeline;
