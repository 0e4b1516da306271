//! The `tidegate` program.

use std::process::ExitCode;

/// Many small, short-lived allocations on several threads are what it is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tidegate::run(std::env::args_os())
}
