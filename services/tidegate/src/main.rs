//! The `tidegate` program.

use std::process::ExitCode;

/// Many small, short-lived allocations, some of them freed on another thread: measured against others in
/// `docs/performance.md`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // The command that `exec` runs would inherit the setting.
    if std::env::args_os().nth(1).is_none_or(|command| command != "exec") {
        do_without_huge_pages();
    }
    tidegate::run(std::env::args_os())
}

/// What is allocated is soon free again. With transparent huge pages the kernel clears two mebibytes where a page of them
/// is touched again after it went back, and memory is held unused (`docs/performance.md`). Where the kernel does
/// not know the switch nothing is lost.
fn do_without_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
