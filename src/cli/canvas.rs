//! Where bars are drawn. A terminal that is gone takes no drawing: that is noted once, and the bars go on without it. Their
//! library panics in its own threads when a drawing fails.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use indicatif::{ProgressDrawTarget, TermLike};

use super::{
    output,
    terminal::{self, Stream},
};

/// How often bars are drawn in a second: often enough to look smooth, seldom enough for a slow connection to a terminal.
const DRAWINGS: u8 = 20;

/// Rows, where the terminal does not say.
const ROWS: u16 = 24;

/// Draws on stderr, a whole picture at once.
#[derive(Debug, Default)]
struct Canvas {
    /// What belongs to the picture that is not shown yet.
    pending: Mutex<String>,
}

/// Draws on stderr.
pub(super) fn on_stderr() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::<Canvas>::default(), DRAWINGS)
}

impl Canvas {
    fn add(&self, text: &str) -> io::Result<()> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    /// Moves the cursor by some cells, in the direction that this letter of ANSI stands for.
    fn go(&self, cells: usize, direction: char) -> io::Result<()> {
        if cells == 0 { Ok(()) } else { self.add(&format!("\x1b[{cells}{direction}")) }
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        terminal::style(Stream::Err).width.try_into().unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        terminal_size::terminal_size_of(io::stderr()).map_or(ROWS, |(_, height)| height.0)
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        self.go(rows, 'A')
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.go(rows, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.go(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.go(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let picture = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let _unseen = output::write(Stream::Err, picture.as_bytes());
        Ok(())
    }
}
