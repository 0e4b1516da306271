//! `tidegate exec`.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tidegate_exec::{ExecOptions, NoteSink, exec};
use tidegate_ports::{RandomIds, SystemClock};

use crate::cli::ExecArgs;

/// Runs the command; its exit code is this one's.
pub fn run(args: ExecArgs) -> ExitCode {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let options = ExecOptions {
        agent: args.agent,
        token: args.token,
        url: args.url,
        command: args.command,
        tail_bytes: args.tail.and_then(|bytes| usize::try_from(bytes).ok()),
        report_within: Duration::from_secs(u64::from(args.report_within)),
        spool: args.spool.or_else(|| state_folder(variable("XDG_STATE_HOME").as_deref(), variable("HOME").as_deref())),
    };
    // An error of the write is ignored: it is not the command's.
    let note: NoteSink = Arc::new(|line: &str| {
        _ = std::io::stderr().write_all(format!("tidegate exec: {line}\n").as_bytes());
    });
    exec(&options, Arc::new(SystemClock), &RandomIds, &note)
}

/// Where a user's programs keep what must outlive a restart (XDG base directories). A relative path counts as none.
fn state_folder(state_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let absolute = |path: &OsStr| Some(Path::new(path)).filter(|path| path.is_absolute()).map(Path::to_owned);
    let state = state_home.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".local/state")))?;
    Some(state.join("tidegate/exec"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_users() {
        let folder = |state: &str, home: &str| {
            let given = |text: &str| (!text.is_empty()).then(|| OsStr::new(text).to_owned());
            state_folder(given(state).as_deref(), given(home).as_deref())
        };
        assert_eq!(folder("/s", "/h"), Some("/s/tidegate/exec".into()));
        assert_eq!(folder("", "/h"), Some("/h/.local/state/tidegate/exec".into()));
        assert_eq!(folder("s", "/h"), Some("/h/.local/state/tidegate/exec".into()));
        assert_eq!((folder("", ""), folder("s", "h")), (None, None));
    }
}
