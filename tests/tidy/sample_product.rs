//! The sample product stays small, and stands on the pipeline and its adapters alone.

use crate::tree::{root, rust_files};

const FOLDER: &str = "tests/sample-product/";

/// Lines of code: without blank lines, comments and imports.
fn lines_of_code(text: &str) -> usize {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let mut count = 0;
    while let Some(line) = lines.next() {
        if line.starts_with("use ") || line.starts_with("pub use ") {
            let mut rest = line;
            while !rest.ends_with(';') {
                rest = lines.next().unwrap_or(";");
            }
        } else {
            count += 1;
        }
    }
    count
}

/// What a product writes itself, the opening of its adapters too; and its tests.
#[test]
fn a_product_is_small() {
    const MOST: usize = 400;
    const MOST_OF_TESTS: usize = 200;
    let files: Vec<_> = rust_files().into_iter().filter(|file| file.path.starts_with(FOLDER)).collect();
    let lines = |of_tests: bool| -> usize {
        let chosen = files.iter().filter(|file| file.path.contains("/tests/") == of_tests);
        chosen.map(|file| lines_of_code(&file.text)).sum()
    };
    let (product, tests) = (lines(false), lines(true));
    assert!(product > 100 && tests > 100, "{FOLDER} has no sources");
    assert!(
        product < MOST,
        "{product} lines of code: where a product has to say so much, the pipeline says too little"
    );
    assert!(tests < MOST_OF_TESTS, "{tests} lines of tests");
}

/// The pipeline and the adapters are all that it needs: no other product, no service.
#[test]
fn a_product_needs_no_other() {
    let manifest = std::fs::read_to_string(root().join(FOLDER).join("Cargo.toml")).expect("its manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let dependencies = manifest["dependencies"].as_table().expect("dependencies");
    let floors = ["shared/pipeline", "shared/adapters"];
    let is_below = |name: &str| floors.iter().any(|floor| root().join(floor).join(name).exists());
    let others: Vec<_> = dependencies.keys().filter_map(|name| name.strip_prefix("tidegate-")).collect();
    let foreign: Vec<_> = others.iter().filter(|name| !is_below(name)).collect();
    assert!(others.len() > 5 && foreign.is_empty(), "the sample product depends on {foreign:?}");
}

#[test]
fn imports_and_comments_are_no_code() {
    let text = "//! It is.\n\nuse a::{\n    b,\n    c,\n};\npub use d;\n\n// Why.\nfn e() {\n    f()\n}\n";
    assert_eq!(lines_of_code(text), 3);
}
