//! How far a run is, on standard error, where somebody watches.
//!
//! Owns: the bar; it is silent if standard error is no terminal. Does not own: the counting.

use indicatif::{ProgressBar, ProgressStyle};

/// One phase's bar.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A phase of so many messages.
    pub fn new(label: &str, messages: u64) -> Self {
        let bar = ProgressBar::new(messages);
        let style =
            ProgressStyle::with_template("{prefix:40} {wide_bar} {percent:>3} % {elapsed:>4}");
        bar.set_style(style.expect("the template is sound"));
        bar.set_prefix(label.to_owned());
        Self { bar }
    }

    /// So many are done.
    pub fn at(&self, messages: u64) {
        self.bar.set_position(messages);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
