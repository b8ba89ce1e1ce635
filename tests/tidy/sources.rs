//! Finds the tree's own files.

use std::path::{Path, PathBuf};

/// Folders that hold no sources of ours.
const NOT_OURS: &[&str] = &["target", ".git", "tidegate-data", "node_modules", "venv"];

/// A file of the tree.
pub(super) struct Source {
    /// Its path from the root.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// The root of the tree.
pub(super) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests lie in the root").to_owned()
}

/// All files whose names end in `ending`, in order.
pub(super) fn sources(ending: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), ending, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source is readable text");
        let path = path
            .strip_prefix(root())
            .expect("it was found below the root");
        Source {
            path: path.display().to_string(),
            text,
        }
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the tree is readable") {
        let path = entry.expect("a folder of the tree is readable").path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
}
