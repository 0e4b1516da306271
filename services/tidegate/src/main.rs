//! The `tidegate` program.

use std::process::ExitCode;

/// Many small, short-lived allocations on several threads are what it is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    do_without_huge_pages();
    tidegate::run(std::env::args_os())
}

/// What is allocated lives for milliseconds and goes back soon. With transparent huge pages the kernel clears two
/// mebibytes for each page that is touched again: a third of the CPU of a request, and memory that nobody uses
/// (`docs/performance.md`). Where the kernel does not know the switch nothing is lost.
fn do_without_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
