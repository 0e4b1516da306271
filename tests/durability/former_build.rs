//! What the build before wrote is opened and gone on with: a data folder, and a topic with its keyspace.

use std::io::Read;

use flate2::read::GzDecoder;
use tidegate_tests::Target;
use tidegate_tests::former::{Answers, Keyspace, Topic, files};
use tidegate_tests::process::Extra;
use tidegate_tests::stack::{Addresses, Settings};

use crate::BINARY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_of_the_build_before_opens_and_goes_on() {
    let place = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(files().join("data-folder")).unwrap() {
        let path = entry.unwrap().path();
        let mut whole = Vec::new();
        GzDecoder::new(std::fs::File::open(&path).unwrap()).read_to_end(&mut whole).unwrap();
        std::fs::write(place.path().join(path.file_stem().unwrap()), whole).unwrap();
    }
    let target = Target::dev_on(BINARY, place.path(), Extra::default()).await;
    let then = Answers::of("data-folder.json");
    then.assert_still_answered(&target).await;
    then.assert_goes_on(&target).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_and_a_keyspace_of_the_build_before_are_gone_on_with() {
    let (settings, stack) = (Settings::default(), Addresses::found());
    let target = Target::on_the_stack_after(BINARY, &settings, async || {
        Keyspace::read().insert_into(&settings, &stack).await;
        Topic::read().append_to(&settings, &stack).await;
    })
    .await;
    let then = Answers::of("stack.json");
    then.assert_still_answered(&target).await;
    then.assert_goes_on(&target).await;
    target.at_rest().await;
}
