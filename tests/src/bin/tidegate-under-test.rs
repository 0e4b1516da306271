//! The real `tidegate`, built with a clock that tests can move, and on a leash.
//!
//! With a first argument `--leash=DIR` the process ends as soon as its standard input closes, and removes `DIR`:
//! whoever started it holds the other end, so it never outlives a test run, however that ends.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    let leash =
        args.get(1).and_then(|arg| arg.to_str()).and_then(|arg| arg.strip_prefix("--leash=")).map(PathBuf::from);
    if let Some(folder) = leash {
        args.remove(1);
        std::thread::spawn(move || {
            // Nobody writes; the read ends when the other end is gone.
            let _ = std::io::stdin().read(&mut [0]);
            let _ = std::fs::remove_dir_all(folder);
            std::process::exit(0);
        });
    }
    tidegate::run(args)
}
