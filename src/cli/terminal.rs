//! What the terminal can show.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, BufRead as _, IsTerminal as _},
    sync::{Mutex, PoisonError},
};

use indicatif::MultiProgress;

pub(super) use super::output::Stream;
use super::{args::Format, exit::Failure, output};
pub(super) use crate::report::message::Kind;
use crate::report::{Style, message, printable};

/// Width when nothing says how wide the terminal is: wide enough for long names, narrow enough to read.
const WIDTH: usize = 100;

/// Narrower than this, nothing can be laid out.
const NARROWEST: usize = 40;

/// How to write to a stream: colour only on a terminal, and not when `NO_COLOR` asks for none.
pub(super) fn style(stream: Stream) -> Style {
    let terminal = is_terminal(stream);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style { color: can_redraw(stream) && !no_color, width: width(terminal), unicode: unicode() }
}

/// Whether the stream is a terminal that knows escapes.
pub(super) fn can_redraw(stream: Stream) -> bool {
    is_terminal(stream) && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether the stream is a terminal.
pub(super) fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Out => io::stdout().is_terminal(),
        Stream::Err => io::stderr().is_terminal(),
    }
}

fn width(terminal: bool) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(|| terminal.then(asked).flatten()).filter(|width| *width >= NARROWEST).unwrap_or(WIDTH)
}

/// Locales that say nothing are taken for UTF-8, as almost every terminal is.
fn unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8") || locale == "c" || locale == "posix"
    })
}

/// Writes data to stdout. A reader that stopped listening, such as `head`, ends the program quietly.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match output::write(Stream::Out, text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a report to stdout.
pub(super) fn report(
    format: Format,
    text: impl FnOnce(&Style) -> String,
    json: impl FnOnce() -> String,
) -> Result<(), Failure> {
    print(&match format {
        Format::Text => text(&style(Stream::Out)),
        Format::Json => json(),
    })
}

/// Whether somebody still reads both streams.
pub(super) fn is_read() -> bool {
    !output::is_closed(Stream::Out) && !output::is_closed(Stream::Err)
}

/// Writes a report of what was done to stdout, or to stderr where stdout takes nothing more: whoever looks for it finds it.
/// Says whether stdout took it.
pub(super) fn print_done(text: &str) -> bool {
    let printed = output::write(Stream::Out, text.as_bytes()).is_ok();
    if !printed {
        say(text);
    }
    printed
}

/// Writes a file's text to stdout: as it is, except that no name in it steers a terminal.
pub(super) fn print_file(text: &str) -> Result<(), Failure> {
    print(&for_stream(text, is_terminal(Stream::Out)))
}

/// Tells a person lines of a file on stderr.
pub(super) fn say_file(text: &str) {
    say(&for_stream(text, is_terminal(Stream::Err)));
}

/// Into a file or a pipe goes every byte; people's names are other people's to choose, and what a terminal shows is ours.
fn for_stream(text: &str, terminal: bool) -> Cow<'_, str> {
    if terminal { printable(text).into() } else { text.into() }
}

/// The bars on the screen, if any: text goes above them, or the next drawing would run over it.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Takes the bars that are being drawn, or `None` once they are gone.
pub(super) fn set_bars(bars: Option<MultiProgress>) {
    *BARS.lock().unwrap_or_else(PoisonError::into_inner) = bars;
}

/// Tells a person something on stderr.
pub(super) fn say(text: &str) {
    show(format!("{text}\n").as_bytes());
}

/// Writes to stderr, above the bars. Where nobody reads it, nobody can be told; what runs hears of it and ends.
fn show(text: &[u8]) {
    // A copy, so that nobody who draws waits for the lock.
    let bars = BARS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let write = || {
        let _unheard = output::write(Stream::Err, text);
    };
    match bars {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

/// Where log lines go: above the bars. Nobody is told that a line could not be written, because there is nobody left to tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        show(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells a person something in a sentence, wrapped on a terminal. In a file or a pipe it is one line, which can be searched.
pub(super) fn tell(kind: Kind, sentence: &str) {
    let style = style(Stream::Err);
    let width = if is_terminal(Stream::Err) { style.width } else { usize::MAX };
    say(&message::text(kind, sentence, &Style { width, ..style }));
}

/// Asks, and returns the line that was typed; nothing when the answer was `stopped` from coming. `what` is what would not be
/// done without one, and the command that does it.
pub(super) async fn answer(
    question: &str,
    [done, command]: [&str; 2],
    stopped: impl Future<Output = ()>,
) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(format!("nothing was {done}: stdin is not a terminal, so nobody can be asked"))
            .hint(format!("add --yes to {command} without asking")));
    }
    output::write(Stream::Err, format!("\n{question}").as_bytes()).map_err(Failure::new)?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // The thread that waits for the line is nobody's concern once nobody waits for the answer.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line).map(|_| line);
        // Whoever asked may have stopped waiting.
        let _ = sender.send(read);
    });
    tokio::select! {
        answer = receiver => answer.unwrap_or_else(|_| Ok(String::new())).map_err(Failure::new),
        () = stopped => Ok(String::new()),
    }
}

/// `1 file`, `2 files`.
pub(super) fn count<N: Copy + From<u8> + PartialEq + Display>(many: N, one: &str, more: &str) -> String {
    format!("{many} {}", if many == N::from(1) { one } else { more })
}

/// Tells a person something in a sentence of no particular kind.
pub(super) fn note(sentence: &str) {
    tell(Kind::Plain, sentence);
}

/// Tells a person what they should know although all goes on.
pub(super) fn warning(message: &str) {
    tell(Kind::Warning, message);
}

/// Tells a person what went wrong and what to do about it.
pub(super) fn error(message: &str, hint: Option<&str>) {
    tell(Kind::Error, message);
    if let Some(hint) = hint {
        tell(Kind::Help, hint);
    }
}

#[cfg(test)]
mod tests {
    use super::for_stream;

    #[test]
    fn names_of_a_file_do_not_steer_a_terminal_and_are_exact_elsewhere() {
        let text = "name,app\n\u{1b}[2JAnn\u{202e},lab\n";
        assert_eq!(for_stream(text, true), "name,app\n\\u{1b}[2JAnn\\u{202e},lab\n");
        assert_eq!(for_stream(text, false), text);
    }
}
