//! Writes `tests/durability/former` again by a build of before: its data folder, its topic, its keyspace, and what it
//! answered. Needs the real stack.

#![allow(clippy::print_stderr, reason = "a command says how it is used")]

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tidegate_tests::former::{Answers, Keyspace, Topic, files};
use tidegate_tests::stack::{Addresses, Settings};
use tidegate_tests::{Program, Target};

#[tokio::main]
async fn main() {
    let Some(binary) = std::env::args().nth(1) else {
        eprintln!("usage: write-former-build BINARY");
        std::process::exit(2);
    };
    // Names outlive the process that uses them.
    let binary: &'static str = Box::leak(binary.into_boxed_str());
    std::fs::create_dir_all(files().join("data-folder")).expect("a folder");
    on_a_folder(binary).await;
    on_the_stack(binary).await;
}

async fn on_a_folder(binary: &'static str) {
    let target = Target::own(Program::Embedded(binary)).await;
    let answers = Answers::asked(target.deployment()).await;
    target.stop().await;
    for entry in std::fs::read_dir(target.data_folder()).expect("the data folder") {
        let path = entry.expect("an entry").path();
        let kept = path.extension().is_some_and(|kind| ["db", "mark", "json"].iter().any(|kept| kind == *kept));
        if kept {
            pack(&path);
        }
    }
    answers.write("data-folder.json");
}

fn pack(path: &Path) {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&std::fs::read(path).expect("a file")).expect("in memory");
    let packed = packed.finish().expect("in memory");
    std::fs::write(files().join("data-folder").join(format!("{name}.gz")), packed).expect("written");
}

async fn on_the_stack(binary: &str) {
    let (settings, stack) = (Settings::default(), Addresses::found());
    let target = Target::on_the_stack(binary, &settings).await;
    let answers = Answers::asked(target.deployment()).await;
    target.stop().await;
    Topic::of(&settings, &stack).await.write();
    Keyspace::of(&settings, &stack).await.write();
    answers.write("stack.json");
}
