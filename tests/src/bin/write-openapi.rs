//! Writes `docs/openapi/*.json` again from the code: `make openapi`.

use std::fs;
use std::io;

use tidegate_tests::openapi::Description;

fn main() -> io::Result<()> {
    Description::all().iter().try_for_each(|description| fs::write(description.path(), &description.text))
}
