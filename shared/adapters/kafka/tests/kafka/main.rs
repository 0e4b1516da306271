//! The adapter on a real Kafka, and the facts that it leans on (`docs/kafka-facts.md`).
//!
//! Start one with `make stack-up`; `TIDEGATE_TEST_KAFKA` names another. Every test has topics of its own.

mod appending;
mod churn;
mod conformance;
mod coordinator;
mod dead_letters;
mod facts;
mod flow;
mod foreign;
mod groups;
mod lag;
mod member;
mod offsets;
mod outages;
mod support;
mod topics;
