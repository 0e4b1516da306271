//! Starting a command: an executable directly, a line through the shell.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{Access, access};
use rustix::io::Errno;

const SHELL: &str = "/bin/sh";

/// Starts `command` in a process group of its own, with a pipe as its standard input.
pub fn start(command: &str) -> io::Result<Child> {
    let Some(path) = executable(command) else {
        return spawn(Command::new(SHELL).args(["-c", command]));
    };
    match spawn(&mut Command::new(&path)) {
        // A script without its first line is the shell's, as when a shell runs it.
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            spawn(Command::new(SHELL).arg(&path))
        }
        result => result,
    }
}

/// The absolute path of an executable file that `command` names. A name that only `PATH` leads to is the shell's matter.
fn executable(command: &str) -> Option<PathBuf> {
    let path = Path::new(command);
    let is_executable = path.is_file() && access(path, Access::EXEC_OK).is_ok();
    is_executable.then(|| std::path::absolute(path).ok()).flatten()
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    command.process_group(0).stdin(Stdio::piped()).spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_file_is_no_shell_line() {
        assert_eq!(executable("/bin/sh"), Some(PathBuf::from("/bin/sh")));
        let plain = tempfile::NamedTempFile::new().unwrap();
        let plain = plain.path().to_str().unwrap();
        for line in ["/bin/sh -c true", "true", "/bin", plain, ""] {
            assert_eq!(executable(line), None, "{line}");
        }
    }
}
