//! One call of a Lua script.

use redis::Cmd;

/// The keys and arguments of a call, to be sent with the script's hash or its text.
pub(crate) struct ScriptCall {
    pub keys: Vec<String>,
    pub args: Arguments,
}

impl ScriptCall {
    /// The command, `EVALSHA` with the script's hash or `EVAL` with its text.
    pub fn command(&self, eval: &str, script: &str) -> Cmd {
        const NAME_AND_COUNT_BYTES: usize = 32;
        let count = 3 + self.keys.len() + self.args.ends.len();
        let bytes = NAME_AND_COUNT_BYTES + script.len() + self.keys.iter().map(String::len).sum::<usize>();
        let mut command = Cmd::with_capacity(count, bytes + self.args.bytes.len());
        command.arg(eval).arg(script).arg(self.keys.len());
        self.keys.iter().for_each(|key| _ = command.arg(key));
        self.args.iter().for_each(|arg| _ = command.arg(arg));
        command
    }
}

/// Arguments in one piece of memory: a call has up to hundreds of a few bytes each.
#[derive(Default)]
pub(crate) struct Arguments {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Arguments {
    /// With room for `count` arguments of `bytes` in all.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Arguments { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    pub fn push(&mut self, argument: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(argument));
    }

    /// An argument that `write` appends.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_script_then_the_keys_then_the_arguments() {
        let mut args = Arguments::default();
        args.push(b"one");
        args.push(b"");
        args.push_with(|bytes| bytes.extend([2, 2]));
        let call = ScriptCall { keys: vec!["k".to_owned()], args };
        let mut expected = redis::cmd("EVALSHA");
        expected.arg("hash").arg(1).arg("k").arg("one").arg("").arg(&[2_u8, 2][..]);
        assert_eq!(call.command("EVALSHA", "hash").get_packed_command(), expected.get_packed_command());
    }
}
