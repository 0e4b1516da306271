//! The real `tidegate`, built with a clock that tests can move and with fail points (variable `FAILPOINTS`), and on a
//! leash.
//!
//! With a first argument `--leash=DIR` the process ends as soon as its standard input closes, and removes `DIR`:
//! whoever started it holds the other end, so it never outlives a test run, however that ends. With `--sweep` it is
//! not `tidegate` at all: it waits for that end and then removes what a deployment left on the real stack.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_tests::stack::{Addresses, sweep};

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    let first = args.get(1).and_then(|arg| arg.to_str()).unwrap_or_default();
    if first == "--sweep" {
        return sweep_at_the_end(&args[2..]);
    }
    if let Some(folder) = first.strip_prefix("--leash=").map(PathBuf::from) {
        args.remove(1);
        std::thread::spawn(move || {
            wait_for_the_end();
            let _ = std::fs::remove_dir_all(folder);
            std::process::exit(0);
        });
    }
    // What `FAILPOINTS` names is on as long as this process lives.
    let _fail_points = fail::FailScenario::setup();
    tidegate::run(args)
}

/// Nothing is written to it; the read ends when the other end is closed.
fn wait_for_the_end() {
    let _ = std::io::stdin().read(&mut [0]);
}

fn sweep_at_the_end(words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let [prefix, keyspace, kafka, cql, redis] = words.as_slice() else { return ExitCode::FAILURE };
    wait_for_the_end();
    let stack = Addresses { kafka: kafka.clone(), cql: cql.clone(), redis: redis.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let swept = runtime.map(|runtime| runtime.block_on(sweep::sweep(prefix, keyspace, &stack)));
    if matches!(swept, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
