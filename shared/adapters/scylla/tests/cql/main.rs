//! The adapter on a real cluster, but for `statements`, which reads its sources.

mod accounts;
mod coming_again;
mod commands;
mod comparing_commands;
mod connecting;
mod feed;
mod function_of_the_log;
mod listings;
mod migrations;
mod orphans;
mod registry;
mod settings;
mod sizes;
mod statements;
mod store;
mod support;
