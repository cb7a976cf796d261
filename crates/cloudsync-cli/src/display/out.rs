//! The two streams. Who does not read any more is not written to any more, which fails nothing.

use std::io::{self, IsTerminal, Write};

/// Where lines go.
#[derive(Debug)]
pub(crate) struct Out {
    to: To,
    is_closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum To {
    Stderr,
    Stdout,
}

impl Out {
    /// Results.
    pub(crate) fn stdout() -> Self {
        Self {
            to: To::Stdout,
            is_closed: false,
        }
    }

    /// Progress, problems, logs.
    pub(crate) fn stderr() -> Self {
        Self {
            to: To::Stderr,
            is_closed: false,
        }
    }

    /// Returns whether somebody looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        match self.to {
            To::Stderr => io::stderr().is_terminal(),
            To::Stdout => io::stdout().is_terminal(),
        }
    }

    /// Writes a line, at once.
    pub(crate) fn line(&mut self, text: &str) {
        if self.is_closed {
            return;
        }
        let mut line = String::with_capacity(text.len() + 1);
        line.push_str(text);
        line.push('\n');
        let written = match self.to {
            To::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            To::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout
                    .write_all(line.as_bytes())
                    .and_then(|()| stdout.flush())
            }
        };
        self.is_closed = written.is_err();
    }
}
