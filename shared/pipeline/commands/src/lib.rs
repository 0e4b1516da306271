//! Submits a command: limits → shed → append → wait for its outcome. Answers with causes, and knows no HTTP.

pub mod sealing;
