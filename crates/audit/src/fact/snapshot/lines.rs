//! Lines of a file, each with its number, none longer than it may be.

use std::io::{BufRead, Read as _};

use super::{MAX_LINE, Problem};

#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    limit: usize,
    is_over: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self::with_limit(input, MAX_LINE)
    }

    pub(super) fn with_limit(input: R, limit: usize) -> Self {
        Self { input, number: 0, limit, is_over: false }
    }

    /// Puts the next line that is not blank into `line`, without its end, and gives its number.
    ///
    /// A line that is too long is a problem and passed over; an input that breaks is one and the
    /// last.
    pub(super) fn next_line(&mut self, line: &mut Vec<u8>) -> Option<Result<u64, Problem>> {
        loop {
            line.clear();
            if self.is_over {
                return None;
            }
            self.number += 1;
            let allowed = self.limit as u64 + 2;
            if let Err(error) = (&mut self.input).take(allowed).read_until(b'\n', line) {
                return Some(Err(self.broken(&error)));
            }
            if line.is_empty() {
                self.is_over = true;
                return None;
            }
            let is_whole = line.ends_with(b"\n");
            if is_whole {
                line.pop();
            }
            if line.ends_with(b"\r") {
                line.pop();
            }
            if line.len() > self.limit {
                let message = format!("the line is longer than {} bytes", self.limit);
                let problem = Problem { line: self.number, column: None, message };
                if !is_whole && let Err(error) = self.skip() {
                    return Some(Err(self.broken(&error)));
                }
                return Some(Err(problem));
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok(self.number));
            }
        }
    }

    fn broken(&mut self, error: &std::io::Error) -> Problem {
        self.is_over = true;
        Problem { line: self.number, column: None, message: format!("cannot be read: {error}") }
    }

    /// To the end of the line, keeping nothing.
    fn skip(&mut self) -> std::io::Result<()> {
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let (used, is_end) = match available.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.input.consume(used);
            if is_end {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], limit: usize) -> Vec<Result<(u64, String), (u64, String)>> {
        let mut lines = Lines::with_limit(text, limit);
        let mut line = Vec::new();
        std::iter::from_fn(|| {
            let found = lines.next_line(&mut line)?;
            let text = String::from_utf8(line.clone()).unwrap();
            Some(found.map(|number| (number, text)).map_err(|it| (it.line, it.message)))
        })
        .collect()
    }

    #[test]
    fn lines_have_numbers_and_limits() {
        let ok = |number: u64, text: &str| Ok((number, text.to_owned()));
        let long = |number: u64| Err((number, "the line is longer than 4 bytes".to_owned()));
        assert_eq!(read(b"", 4), []);
        assert_eq!(read(b"\n\n  \n", 4), []);
        assert_eq!(read(b"ab\r\n\ncd", 4), [ok(1, "ab"), ok(3, "cd")]);
        assert_eq!(read(b"abcd\nabcd\r\nabcd", 4), [ok(1, "abcd"), ok(2, "abcd"), ok(3, "abcd")]);
        for text in ["abcde", "abcdef", "abcde\r", "abcdefghijkl"] {
            let whole = format!("a\n{text}\nb\n{text}");
            assert_eq!(read(whole.as_bytes(), 4), [ok(1, "a"), long(2), ok(3, "b"), long(4)]);
        }
    }
}
