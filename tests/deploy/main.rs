//! The files that users deploy with, held against the program and against each other.

mod commands;
mod compose;
mod image;
mod neighbours;
mod on_the_stack;
mod readme;
mod ready;
mod services;
