//! `make faults`: injects every known fault into a running system under load, and reports what became of what
//! was accepted.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it finds is for people to read")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tidegate_tests::faults::catalogue::FAULTS;
use tidegate_tests::faults::runner::{Runner, chosen};
use tidegate_tests::faults::{Row, page, report};
use tidegate_tests::ids;

/// Break a running Tidegate in many ways, under load, and check that nothing accepted is lost or doubled
///
/// Each fault is done several times to a deployment of its own on the real stack (`make stack-up`), on a Kafka that the
/// harness starts itself, or on one local folder. Then every id that was answered 2xx must be stored exactly once with
/// the content sent, and nothing else may be stored but what got no answer. Every answer of 5xx must be a 503 with
/// Retry-After, or AgentGate's 504. Of AgentGate, each run that was answered 201 must be there once and be charged once,
/// and the credits must add up. The exit code is 0 if all of that holds for every fault, 1 if not, 2 for wrong usage.
#[derive(Parser)]
#[command(name = "faults")]
struct Args {
    /// List the faults and what each does, and run none
    #[arg(long)]
    list: bool,
    /// Run this fault alone; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Leave this fault out; may be given several times
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// Run the short pass alone: the one that `make test` runs
    #[arg(long)]
    short: bool,
    /// Repeat what was drawn in a run with this seed; without it, one is drawn and printed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print one JSON object a fault instead of the table
    #[arg(long)]
    json: bool,
    /// Write the table into this page, between its two marks, keeping the rows of faults that were not run
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// The program under test, built with its test features; without it, the one next to this program
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for fault in FAULTS.iter() {
            println!("{:<28} {}{}", fault.name, fault.about, if fault.short { " (short pass)" } else { "" });
        }
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(&args)),
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> ExitCode {
    let faults = match chosen(&args.only, &args.without, args.short) {
        Ok(faults) => faults,
        Err(told) => {
            eprintln!("error: {told}");
            return ExitCode::from(2);
        }
    };
    let seed = args.seed.unwrap_or_else(|| u64::from_be_bytes(ids::random_bytes()) >> 16);
    eprintln!("{} faults with seed {seed} (--seed {seed} repeats what is drawn)", faults.len());
    let beside = || std::env::current_exe().map(|own| own.with_file_name("tidegate-under-test"));
    let Some(program) = args.program.clone().or_else(|| beside().ok()) else {
        eprintln!("error: nothing tells where the program under test is: use --program");
        return ExitCode::from(2);
    };
    let mut runner = Runner::new(&program, seed);
    let mut rows: Vec<Row> = Vec::new();
    for (fault, number) in faults.iter().zip(1..) {
        eprintln!("{number}/{} {}: {}", faults.len(), fault.name, fault.about);
        let row = runner.run(fault).await;
        match row.failing() {
            None => eprintln!("    holds, in {} s", row.took_ms / 1000),
            Some(why) => eprintln!("    FAILS: {why}\n    again: faults --only {} --seed {seed}", fault.name),
        }
        if args.json {
            println!("{}", serde_json::to_string(&row).unwrap_or_default());
        }
        rows.push(row);
        if let Some(path) = &args.table
            && let Err(told) = page::write(path, &rows, seed)
        {
            eprintln!("error: {}: {told}", path.display());
            return ExitCode::FAILURE;
        }
    }
    drop(runner);
    if !args.json {
        println!("{}", report::table(&rows));
    }
    let failing: Vec<&str> = rows.iter().filter(|row| row.failing().is_some()).map(|row| row.fault.as_str()).collect();
    if failing.is_empty() {
        eprintln!("all {} hold", rows.len());
        ExitCode::SUCCESS
    } else {
        eprintln!("{} of {} fail: {}", failing.len(), rows.len(), failing.join(", "));
        ExitCode::FAILURE
    }
}
