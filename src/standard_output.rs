//! What the commands print.
//!
//! Owns: writing to standard output when whoever reads it may have gone. Does not own: what is written.
//!
//! A reader that has read enough, as `head` has, closes the pipe: that ends the output, not the command
//! with an error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints all of the text to standard output, or as much as its reader wants.
pub fn print(text: impl Display) -> io::Result<()> {
    print_to(&mut io::stdout().lock(), text)
}

fn print_to(output: &mut impl Write, text: impl Display) -> io::Result<()> {
    let written = write!(output, "{text}").and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader left with this error.
    struct Left(ErrorKind);

    impl Write for Left {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_error() {
        print_to(&mut Left(ErrorKind::BrokenPipe), "text").expect("the output ends there");
        let full = print_to(&mut Left(ErrorKind::StorageFull), "text");
        assert_eq!(
            full.expect_err("text is lost").kind(),
            ErrorKind::StorageFull
        );
    }
}
