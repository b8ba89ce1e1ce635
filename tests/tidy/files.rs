//! Rules for single files.

use super::sources::{Source, sources};

/// Lines of a file, tests not counted, at which it must be split.
const FILE_LINES_MAX: usize = 600;

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "manager", "misc",
];

fn is_test(source: &Source) -> bool {
    let path = &source.path;
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The part of a file before its own tests.
fn without_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {")
        .map_or(text, |(code, _)| code)
}

fn refuse(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn files_are_short() {
    let long = sources(".rs")
        .into_iter()
        .filter(|source| !is_test(source))
        .filter_map(|source| {
            let lines = without_tests(&source.text).lines().count();
            (lines > FILE_LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
        });
    refuse(
        long.collect(),
        "a file of more than 600 lines holds more than one idea: split it",
    );
}

#[test]
fn files_open_with_their_purpose() {
    let bare = sources(".rs")
        .into_iter()
        .filter(|source| !source.path.ends_with("/tests.rs"));
    let bare = bare
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.path);
    refuse(
        bare.collect(),
        "a file opens with `//!`: its purpose, what it owns and does not own",
    );
}

#[test]
fn names_say_something() {
    let empty = sources(".rs")
        .into_iter()
        .map(|source| source.path)
        .filter(|path| {
            let stem = path
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .trim_end_matches(".rs");
            stem == "mod" || EMPTY_NAMES.contains(&stem)
        });
    refuse(
        empty.collect(),
        "name a file after its idea; `foo.rs` beside `foo/`, no `mod.rs`",
    );
}

#[test]
fn nothing_is_left_undone() {
    let marks = ["todo!(", "unimplemented!(", "#[ignore", "dbg!("];
    let undone = sources(".rs")
        .into_iter()
        .filter(|source| !source.path.starts_with("tests/tidy"));
    let undone = undone.filter_map(|source| {
        let mark = marks.iter().find(|mark| source.text.contains(**mark))?;
        Some(format!("{}: {mark}", source.path))
    });
    refuse(undone.collect(), "what is not finished does not land");
}
