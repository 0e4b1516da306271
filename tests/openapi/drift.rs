//! What is checked in is what the code says.

use std::collections::BTreeSet;
use std::fs;

use tidegate_tests::openapi::Description;

#[test]
fn what_is_checked_in_is_what_the_code_says() {
    for description in Description::all() {
        let path = description.path();
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        let mut lines = checked_in.lines().zip(description.text.lines()).enumerate();
        let first = lines.find(|(_, (checked_in, generated))| checked_in != generated);
        assert!(
            checked_in == description.text,
            "docs/openapi/{} is not what the code says: run `make openapi` and read the difference before committing it.\n\
             First difference: {}",
            description.file,
            first.map_or_else(
                || "one is longer than the other".to_owned(),
                |(at, (checked_in, generated))| format!("line {}: '{checked_in}' should be '{generated}'", at + 1)
            ),
        );
    }
}

/// A port that is gone leaves no description behind.
#[test]
fn nothing_else_is_checked_in() {
    let all = Description::all();
    let folder = all[0].path().parent().unwrap().to_owned();
    let found: BTreeSet<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let known: BTreeSet<String> = all.iter().map(|description| description.file.to_owned()).collect();
    assert_eq!(found, known);
}
