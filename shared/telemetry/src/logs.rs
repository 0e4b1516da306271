//! Log lines: for people on a terminal, JSON for machines, always on standard error.

use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::{fmt, panic};

use tracing::{Dispatch, dispatcher};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// [`LogFormat::Text`] when standard error is a terminal, else [`LogFormat::Json`].
    #[default]
    Auto,
    Text,
    Json,
}

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format '{0}': the formats are auto, text, json")]
pub struct UnknownFormat(pub String);

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "auto" => Ok(LogFormat::Auto),
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Auto => "auto",
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

/// What to log and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or directives such as `info,tidegate_ingest=debug`.
    pub level: String,
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error(
        "'{level}' is no log level: give error, warn, info, debug or trace, or directives such as info,tidegate_ingest=debug"
    )]
    Level { level: String },
    #[error("logging is set up already in this process")]
    AlreadySet,
}

impl LogSettings {
    /// Whether the level is one, without setting anything up.
    ///
    /// # Errors
    /// [`LogsError::Level`].
    pub fn check(&self) -> Result<(), LogsError> {
        self.filter().map(drop)
    }

    fn filter(&self) -> Result<EnvFilter, LogsError> {
        let wrong = || LogsError::Level { level: self.level.clone() };
        // A bare word parses as the name of a module to log everything of: `inof` would silence the rest.
        let known = |word: &str| {
            ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| level.eq_ignore_ascii_case(word))
        };
        if self.level.split(',').any(|directive| !directive.contains('=') && !known(directive.trim())) {
            return Err(wrong());
        }
        EnvFilter::try_new(&self.level).map_err(|_| wrong())
    }
}

/// Sends the process's log lines, and its panics, to standard error.
///
/// # Errors
/// [`LogsError`].
pub fn install(settings: &LogSettings) -> Result<(), LogsError> {
    let terminal = io::stderr().is_terminal();
    let dispatch = dispatch(settings, terminal, io::stderr)?;
    dispatcher::set_global_default(dispatch).map_err(|_| LogsError::AlreadySet)?;
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("something without a text");
        tracing::error!(place, "a task panicked: {what}");
    }));
    Ok(())
}

fn dispatch<W>(settings: &LogSettings, terminal: bool, writer: W) -> Result<Dispatch, LogsError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(settings.filter()?).with_writer(writer);
    let json = match settings.format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    Ok(if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).into()
    } else {
        lines.with_ansi(terminal).compact().into()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, terminal: bool) -> String {
        let page = Page::default();
        let writer = page.clone();
        let settings = LogSettings { level: "info".to_owned(), format };
        let dispatch = dispatch(&settings, terminal, move || writer.clone()).unwrap();
        dispatcher::with_default(&dispatch, || {
            tracing::info!(port = 8080, "listening");
            tracing::debug!("too fine");
        });
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn lines_are_text_on_a_terminal_and_json_elsewhere() {
        for (format, terminal, json) in [
            (LogFormat::Auto, true, false),
            (LogFormat::Auto, false, true),
            (LogFormat::Text, false, false),
            (LogFormat::Json, true, true),
        ] {
            let line = logged(format, terminal);
            assert!(line.contains("listening") && !line.contains("too fine"), "{line}");
            assert_eq!(line.starts_with('{'), json, "{format} {terminal}: {line}");
            assert_eq!(line.contains(r#""port":8080"#), json, "{line}");
        }
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        for (level, fine) in [
            ("info", true),
            ("WARN", true),
            ("info,tidegate_ingest=debug", true),
            ("inof", false),
            ("info,tidegate=loud", false),
            ("", false),
        ] {
            let settings = LogSettings { level: level.to_owned(), format: LogFormat::Auto };
            assert_eq!(settings.check().is_ok(), fine, "{level}");
        }
    }
}
