//! The files that users deploy with, held against the program and against each other.

mod commands;
mod compose;
mod distributed_page;
mod image;
mod neighbours;
mod on_the_stack;
mod ready;
mod services;
