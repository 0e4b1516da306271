//! `tidegate replay`: appends chosen records of the log again.
//!
//! A record that is appended again goes through the one owner of its partition like any other, and what was applied before
//! is a no-op: a replay may be repeated, and killed and taken up again.

mod agentgate;
mod agentping;
mod counts;
mod opened;
mod preview;
mod product;
mod progress_lines;
mod report;

use std::process::ExitCode;

use tidegate_lifecycle::signals::Signals;
use tidegate_lifecycle::{ExitReport, Stop, Stopper};
use tidegate_ports::ReadLag;
use tidegate_replay::{
    Chooser, Ended, Progress, ProgressFile, ReplayPace, ReplayPlan, ReplayPorts, ReplayState, Selection,
    SelectionRange, Walk,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cli::{Api, ReplayArgs};
use crate::config::{Config, Purpose};
use crate::console::Console;
use crate::failure::Failure;
use crate::process;
use counts::Counts;
use opened::Opened;
use preview::Preview;
use product::{Foresee as _, Product};
use report::{Previewed, Replayed};

/// Replays, or says what a replay would do: 0 when all of it was done.
///
/// # Errors
/// Why it cannot be done, and what to do about it.
pub fn run(config: Config, args: ReplayArgs) -> Result<ExitCode, Failure> {
    let config = Config { telemetry: crate::deployment::quiet(&config), ..config };
    process::run(config, ("replay", Purpose::Manage), async |config: Config, _| match args.api {
        Api::AgentPing => live::<agentping::AgentPing>(config, args).await,
        Api::AgentGate => live::<agentgate::AgentGate>(config, args).await,
    })
}

async fn live<P: Product>(config: Config, args: ReplayArgs) -> Result<ExitReport, Failure> {
    let mut signals = process::signals()?;
    let opened = tokio::select! {
        opened = P::open(&config, args.dry_run) => opened?,
        signal = signals.next() => return Err(Failure::refused(format!("stopped by {signal} before anything was read"))),
    };
    let (stopper, stop) = Stopper::new();
    let work = work(&config, &args, &opened, &stop);
    let (worked, stopped_by) = until_done(work, &stopper, signals, opened.failed()).await;
    let mut report = opened.close().await;
    // A failure of the work comes first: what was left behind follows from it.
    let not_whole = worked?;
    if let Some(how_to_go_on) = not_whole {
        let why = stopped_by.unwrap_or_else(|| "stopped".to_owned());
        report.add("replay", format!("{why} before all was done; {how_to_go_on}"));
    }
    Ok(report)
}

/// Waits for the work; a signal, or a part that ends by itself, stops it in order. From then on a signal ends the
/// process at once.
async fn until_done<T>(
    work: impl Future<Output = T>,
    stopper: &Stopper,
    mut signals: Signals,
    failed: impl Future<Output = String>,
) -> (T, Option<String>) {
    let mut work = std::pin::pin!(work);
    let why = tokio::select! {
        done = &mut work => Err(done),
        signal = signals.next() => Ok(format!("stopped by {signal}")),
        early = failed => Ok(early),
    };
    signals.exit_on_next(process::last_words);
    match why {
        Err(done) => (done, None),
        Ok(why) => {
            stopper.stop();
            (work.await, Some(why))
        }
    }
}

/// Replays, or previews. `Some` says how to go on if not all was done.
async fn work<P: Product>(
    config: &Config,
    args: &ReplayArgs,
    opened: &Opened<P>,
    stop: &Stop,
) -> Result<Option<String>, Failure> {
    let filters = opened.product.filters(args).await?;
    let selection = Selection { log: opened.log_name.clone(), range: range(args)?, filters };
    // With --json standard output holds the report alone.
    let lines = if args.json { Console::errors() } else { Console::output() };
    if args.dry_run {
        return preview(&selection, opened, args.json, lines, stop).await;
    }
    let pace = ReplayPace { rate: args.rate, thresholds: P::thresholds(config) };
    let file = ProgressFile::of(&selection, args.progress.clone());
    let left = replay(&selection, opened, pace, &file, args.json, lines, stop).await?;
    if left.is_some() {
        return Ok(left);
    }
    let all_is_applied = tokio::select! {
        caught_up = opened.catch_up() => caught_up.map(|()| true)?,
        () = stop.clone().stopped() => false,
    };
    Ok((!all_is_applied).then(|| "everything was appended, and the service applies the rest when it starts".to_owned()))
}

fn range(args: &ReplayArgs) -> Result<SelectionRange, Failure> {
    match (args.from, args.to, &args.offsets) {
        (Some(from), Some(to), _) if to <= from => {
            Err(Failure::config(format!("--to {to} must be after --from {from}")))
        }
        (Some(from), to, _) => Ok(SelectionRange::Time { from, to }),
        (None, _, Some(offsets)) => Ok(SelectionRange::Offsets(offsets.clone())),
        (None, _, None) => Ok(SelectionRange::DeadLetters),
    }
}

async fn replay<P: Product>(
    selection: &Selection<P::Filters>,
    opened: &Opened<P>,
    pace: ReplayPace,
    file: &ProgressFile,
    json: bool,
    mut lines: Console,
    stop: &Stop,
) -> Result<Option<String>, Failure> {
    let ports = &opened.ports;
    let found: Option<Progress<Counts<P::Kinds>>> = file.load(selection)?;
    let (resumed, path) = (found.is_some(), file.path().display());
    let progress = match found {
        Some(progress) => {
            let spans = ports.log.spans().await?;
            progress.plan.check(&spans).map_err(|error| {
                Failure::refused(format!("{path} was made for another log: {error}"))
                    .or_else("remove it to begin again, or name another with --progress")
                    .caused_by(error)
            })?;
            progress
        }
        None => {
            let plan = make_plan(selection, ports).await?;
            Progress::new(selection, plan, ports.clock.now())
        }
    };
    let (done, total) = (progress.plan.done(), progress.plan.total());
    let how = if resumed { format!("going on after {done} of {total}") } else { format!("{total} to look at") };
    lines.line(format_args!("replaying {selection}: {how}, at most {} a second", pace.rate));
    let (before, began) = (progress.clone(), Instant::now());
    let walk = Walk::new(ports, chooser(selection, opened), file, progress, pace);
    let state = walk.state();
    let ended = with_progress_lines(walk.run(stop), state.clone(), &mut lines, "appended").await;
    let appended_now = state.borrow().records;
    let go_on = format!("run the same command again to go on (its progress is in {path})");
    let (ended, progress) = match ended {
        Ok(ended) => ended,
        Err(failure) => {
            let done = before.plan.done();
            return Err(Failure::from(failure)
                .in_words(|why| format!("{why}; {go_on}; {done} of {total} were done when it began")));
        }
    };
    let whole = ended == Ended::Whole;
    if whole {
        file.remove()?;
    }
    let replayed = Replayed {
        selection: selection.to_string(),
        progress: &progress,
        resumed,
        whole,
        appended_now,
        took_ms: millis(began),
        progress_file: (!whole).then(|| path.to_string()),
    };
    if json {
        Console::output().json(&replayed.as_json());
    } else {
        replayed.as_lines(&mut lines);
    }
    match (whole, progress.counts.passed_over.too_large) {
        (false, _) => Ok(Some(go_on)),
        (true, 0) => Ok(None),
        (true, records) => Err(Failure::refused(format!("{records} records are larger than the log takes now"))
            .hint("raise log.max_record_bytes and run it again")),
    }
}

async fn preview<P: Product>(
    selection: &Selection<P::Filters>,
    opened: &Opened<P>,
    json: bool,
    mut lines: Console,
    stop: &Stop,
) -> Result<Option<String>, Failure> {
    let ports = &opened.ports;
    let (plan, began) = (make_plan(selection, ports).await?, Instant::now());
    let total = plan.total();
    lines.line(format_args!("looking at {selection}: {total} records"));
    let preview = Preview::new(ports, opened.product.foresee(), chooser(selection, opened), plan);
    let state = preview.state();
    let (ended, counts, foresee) = with_progress_lines(preview.run(stop), state, &mut lines, "folded").await?;
    let whole = ended == Ended::Whole;
    let waiting_on_the_log = waiting(&*ports.lag).await;
    let previewed = Previewed {
        selection: selection.to_string(),
        total,
        counts: &counts,
        foreseen: foresee.foreseen(counts.passed_over.unreadable),
        whole,
        waiting_on_the_log,
        took_ms: millis(began),
    };
    if json {
        Console::output().json(&previewed.as_json());
    } else {
        previewed.as_lines(&mut lines);
    }
    Ok((!whole).then(|| "the counts are of what was looked at; nothing was appended".to_owned()))
}

async fn make_plan<F>(selection: &Selection<F>, ports: &ReplayPorts) -> Result<ReplayPlan, Failure> {
    Ok(ReplayPlan::make(selection, &*ports.log, &*ports.dead_letters).await?)
}

fn chooser<P: Product>(selection: &Selection<P::Filters>, opened: &Opened<P>) -> Chooser<P::Choose> {
    Chooser::new(selection, opened.product.choose(&selection.filters))
}

async fn waiting(lag: &dyn ReadLag) -> Option<u64> {
    lag.read().await.ok().map(|lag| lag.records)
}

/// Waits for the work, and prints its progress meanwhile.
async fn with_progress_lines<T>(
    work: impl Future<Output = T>,
    state: watch::Receiver<ReplayState>,
    console: &mut Console,
    verb: &str,
) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = progress_lines::print(console, state, verb) => match never {},
    }
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
