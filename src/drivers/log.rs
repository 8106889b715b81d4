//! The log of one attempt, in which no secret is seen.

use crate::drivers::mask::Mask;
use std::fmt;

const LINES: usize = 1_000;
const BYTES: usize = 64 * 1024;
const LINE: usize = 8 * 1024;

/// What was said while it ran: at most 1,000 lines and 64 KiB, masked.
#[derive(Clone)]
pub struct Log {
    mask: Mask,
    lines: Vec<String>,
    bytes: usize,
    left_out: usize,
}

impl Log {
    pub fn new(mask: Mask) -> Log {
        Log { mask, lines: Vec::new(), bytes: 0, left_out: 0 }
    }

    pub fn add(&mut self, text: &str) {
        let masked = self.mask.text(text);
        self.keep(&masked);
    }

    /// A text that was cut short where it was read.
    pub fn add_cut(&mut self, text: &str) {
        let masked = self.mask.cut_text(text);
        self.keep(&masked);
        self.keep("… the rest was not kept");
    }

    fn keep(&mut self, masked: &str) {
        for line in masked.lines() {
            let clean = line.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c });
            let mut line: String = clean.collect();
            if line.len() > LINE {
                line = line.chars().take(LINE / 4).chain(['…']).collect();
            }
            let bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
            // One line and 64 bytes stay free for saying how much is missing.
            let full = self.lines.len() >= LINES.saturating_sub(1)
                || bytes > BYTES.saturating_sub(64)
                || self.left_out > 0;
            if full {
                self.left_out = self.left_out.saturating_add(1);
            } else {
                self.bytes = bytes;
                self.lines.push(line);
            }
        }
    }

    pub fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        if self.left_out > 0 {
            text.push_str(&format!("\n… {} more lines", self.left_out));
        }
        text
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_bounded_in_lines_and_bytes() {
        let mut log = Log::new(Mask::default());
        log.add(&"line\n".repeat(3_000));
        assert_eq!(log.text().lines().count(), 1_000);
        assert!(log.text().ends_with("… 2001 more lines"));
        let mut log = Log::new(Mask::default());
        log.add(&format!("{}\n", "ä\u{1b}".repeat(500)).repeat(200));
        assert!(log.text().len() <= BYTES && log.text().len() > BYTES / 2);
        assert!(!log.text().contains('\u{1b}'));
    }
}
