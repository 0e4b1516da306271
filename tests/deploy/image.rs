//! The image: what it is built of, and as whom it runs.

use std::process::Command;

use crate::compose::{Compose, read, root};

/// The arguments of each instruction of that name, lines joined.
fn instructions(name: &str) -> Vec<String> {
    let joined = read("Dockerfile").replace("\\\n", " ");
    let found = joined.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.map(|rest| rest.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn it_runs_the_program_as_nobody() {
    assert_eq!(instructions("ENTRYPOINT"), [r#"["tidegate"]"#]);
    let users = instructions("USER");
    let [user] = users.as_slice() else { panic!("one USER, not {users:?}") };
    let numbers: Vec<u32> = user.split(':').map(|id| id.parse().expect("a number that Kubernetes can check")).collect();
    assert!(numbers.len() == 2 && !numbers.contains(&0), "{user}");
    for (name, service) in Compose::read().ours() {
        assert_eq!(service.user.as_ref(), Some(user), "{name} runs as the image does");
    }
    let values: serde_json::Value =
        serde_saphyr::from_str(&read("deploy/kubernetes/tidegate/values.yaml")).expect("YAML");
    for (key, number) in ["runAsUser", "runAsGroup"].into_iter().zip(numbers) {
        assert_eq!(values["podSecurity"][key], number, "the chart's {key}");
    }
}

#[test]
fn it_is_built_in_two_stages_on_pinned_images() {
    let stages = instructions("FROM");
    assert_eq!(stages.len(), 2, "{stages:?}");
    let workspace: toml::Table = read("Cargo.toml").parse().expect("the workspace's manifest");
    let rust = workspace["workspace"]["package"]["rust-version"].as_str().expect("a version");
    assert!(stages[0].starts_with(&format!("rust:{rust}-slim-")), "{stages:?} and rust-version {rust}");
    // The same Debian below both: the binary is linked against the first one's libraries.
    let debian = stages[0].trim_end_matches(" AS build").rsplit('-').next().expect("a name");
    assert_eq!(stages[1], format!("debian:{debian}-slim"));
}

/// The features that the build asks for exist, and the test clock is not among them.
#[test]
fn its_features_exist() {
    let manifest: toml::Table = read("services/tidegate/Cargo.toml").parse().expect("a manifest");
    let features = manifest["features"].as_table().expect("features");
    let runs = instructions("RUN");
    let build = runs.iter().find(|run| run.contains("cargo build")).expect("a build");
    let asked = build.split("--features ").nth(1).and_then(|rest| rest.split(' ').next()).expect("features");
    for feature in asked.split(',') {
        assert!(features.contains_key(feature), "there is no feature {feature}");
        assert_ne!(feature, "test-clock");
    }
    assert!(build.contains("--release --locked -p tidegate "), "{build}");
}

/// Two builds of one name are one release to `tidegate void`: a build that is given none is named after its sources.
#[test]
fn it_is_named_after_its_sources() {
    let runs = instructions("RUN");
    let build = runs.iter().find(|run| run.contains("cargo build")).expect("a build");
    assert!(build.contains(r#"name="${BUILD_OF_TIDEGATE:-$(sh deploy/image/build-name)}" && export"#), "{build}");

    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let name = || {
        let script = root().join("deploy/image/build-name");
        let ended = Command::new("sh").arg(&script).current_dir(folder.path()).output().expect("a shell");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).expect("text").trim().to_owned()
    };
    write("Cargo.toml", "[workspace.package]\nversion = \"0.7.1\"\n");
    write("services/a b/lib.rs", "");
    let first = name();
    let hash = first.strip_prefix("0.7.1-").expect("the version");
    assert!(hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    write("target/release/tidegate", "what is built is no source");
    assert_eq!(name(), first);
    write("services/a b/lib.rs", "mod b;");
    assert_ne!(name(), first);
}

/// What is copied is there, and is let through by `.dockerignore`; so is all that the workspace is made of.
#[test]
fn its_context_has_what_it_needs() {
    let let_through: Vec<String> =
        read(".dockerignore").lines().filter_map(|line| line.strip_prefix('!')).map(str::to_owned).collect();
    for path in &let_through {
        assert!(root().join(path).exists(), ".dockerignore lets {path} through, which is not there");
    }
    let within = |path: &str| let_through.iter().any(|open| path == open || path.starts_with(&format!("{open}/")));
    for copied in instructions("COPY").iter().filter(|copied| !copied.contains("--from")) {
        let from = copied.split(' ').find(|word| !word.starts_with("--")).expect("a path");
        assert!(from == "." || within(from) && root().join(from).exists(), "COPY {copied}");
    }
    let workspace: toml::Table = read("Cargo.toml").parse().expect("the workspace's manifest");
    for member in workspace["workspace"]["members"].as_array().expect("members") {
        let folder = member.as_str().expect("a path").trim_end_matches("/*");
        assert!(within(folder), "the workspace's {folder} is not let through");
    }
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml"] {
        assert!(within(file), "{file} is not let through");
    }
}
