//! One call of a Lua script.

use redis::Cmd;

/// The keys and arguments of a call, to be sent with the script's hash or its text.
pub(crate) struct ScriptCall {
    pub keys: Vec<String>,
    pub args: Vec<Vec<u8>>,
}

impl ScriptCall {
    /// The command, `EVALSHA` with the script's hash or `EVAL` with its text.
    pub fn command(&self, eval: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(eval);
        command.arg(script).arg(self.keys.len());
        self.keys.iter().for_each(|key| _ = command.arg(key));
        self.args.iter().for_each(|arg| _ = command.arg(arg.as_slice()));
        command
    }
}
