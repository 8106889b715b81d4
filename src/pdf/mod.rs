//! Documents for paper: text, facts and tables on A4, laid out from top to bottom, page after page.
//!
//! The fonts come along and print every script that is written like Latin, Greek or Cyrillic; what they
//! lack is printed as a question mark. Lengths are whole tenths of a point. The same content gives the same bytes.

mod font;

use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use font::{Font, Numbers, unit};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Str, TextStr};
use std::io::Write as _;
use unicode_normalization::UnicodeNormalization;

const WIDTH: i32 = 5_953;
const HEIGHT: i32 = 8_419;
/// Two centimetres on each side.
const MARGIN: i32 = 567;
const BOTTOM: i32 = 750;
/// What text and tables may fill from left to right.
pub const MEASURE: i32 = WIDTH - 2 * MARGIN;
/// Between two columns.
const GUTTER: i32 = 80;

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Title,
    Head,
    Text,
    Strong,
    Small,
}

impl Style {
    fn size(self) -> i32 {
        match self {
            Style::Title => 180,
            Style::Head => 120,
            Style::Text | Style::Strong => 95,
            Style::Small => 80,
        }
    }

    /// From one line to the next.
    fn leading(self) -> i32 {
        self.size() * 7 / 5
    }

    fn is_strong(self) -> bool {
        matches!(self, Style::Title | Style::Head | Style::Strong)
    }

    fn gray(self) -> f32 {
        if self == Style::Small { 0.35 } else { 0.1 }
    }
}

/// A column of a table: its part of the measure in hundredths, and whether it holds figures.
pub struct Column<'a> {
    pub title: &'a str,
    pub share: i32,
    pub figures: bool,
}

/// A cell, with what stands below it in small print.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub text: String,
    pub note: String,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell { text: text.into(), note: String::new() }
    }
}

/// A document while it is written.
pub struct Paper {
    title: String,
    plain: Font,
    strong: Font,
    full: Vec<Content>,
    page: Content,
    /// How far up from the foot of the page the next line begins.
    y: i32,
}

impl Paper {
    pub fn new(title: &str) -> Result<Paper> {
        Ok(Paper {
            title: title.to_owned(),
            plain: Font::plain()?,
            strong: Font::strong()?,
            full: Vec::new(),
            page: blank(),
            y: HEIGHT - MARGIN,
        })
    }

    /// Lines of text, wrapped to the measure.
    pub fn text(&mut self, text: &str, style: Style) {
        for line in self.wrapped(text, style, MEASURE) {
            self.room(style.leading());
            self.y -= style.leading();
            self.show(&line, style, MARGIN, self.y);
        }
    }

    pub fn space(&mut self, tenths: i32) {
        self.y -= tenths;
    }

    /// Names on the left, values on the right of them.
    pub fn facts(&mut self, list: &[(&str, String)]) {
        let share = MEASURE / 6;
        for (name, value) in list {
            let lines = self.wrapped(value, Style::Text, MEASURE - share - GUTTER);
            for (place, line) in lines.iter().enumerate() {
                self.room(Style::Text.leading());
                self.y -= Style::Text.leading();
                if place == 0 {
                    self.show(name, Style::Small, MARGIN, self.y);
                }
                self.show(line, Style::Text, MARGIN + share + GUTTER, self.y);
            }
        }
    }

    /// A table whose head is said anew on every page. A row stays together where a page can hold it.
    pub fn table(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        let head = |paper: &mut Paper| {
            paper.room(3 * Style::Small.leading());
            paper.y -= Style::Small.leading();
            for (column, (left, width)) in columns.iter().zip(places(columns)) {
                let left = paper.pushed(column.title, Style::Small, left, width, column.figures);
                paper.show(column.title, Style::Small, left, paper.y);
            }
            paper.y -= 50;
            paper.rule();
        };
        head(self);
        for row in rows {
            let cells: Vec<Vec<(String, Style)>> = columns
                .iter()
                .zip(places(columns))
                .zip(row)
                .map(|((_, (_, width)), cell)| {
                    let text = self.wrapped(&cell.text, Style::Text, width).into_iter();
                    let note = self.wrapped(&cell.note, Style::Small, width).into_iter();
                    let text = text.map(|line| (line, Style::Text));
                    text.chain(note.map(|line| (line, Style::Small)))
                        .filter(|(line, _)| !line.is_empty())
                        .collect()
                })
                .collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
            let tall = i32::try_from(lines).unwrap_or(i32::MAX / 1_000) * Style::Text.leading();
            if self.y - tall - 60 < BOTTOM && tall < HEIGHT - MARGIN - BOTTOM - 400 {
                self.turn();
                head(self);
            }
            for place in 0..lines {
                if self.y - Style::Text.leading() < BOTTOM {
                    self.turn();
                    head(self);
                }
                self.y -= Style::Text.leading();
                for ((cell, column), (left, width)) in
                    cells.iter().zip(columns).zip(places(columns))
                {
                    let Some((line, style)) = cell.get(place) else { continue };
                    let left = self.pushed(line, *style, left, width, column.figures);
                    self.show(line, *style, left, self.y);
                }
            }
            self.y -= 60;
            self.rule();
        }
    }

    /// The document as a file.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let last = std::mem::replace(&mut self.page, blank());
        self.full.push(last);
        let (all, title) = (std::mem::take(&mut self.full), self.title.clone());
        let count = all.len();
        let mut numbers = Numbers::default();
        let (catalog, tree, info) = (numbers.next(), numbers.next(), numbers.next());
        let mut pdf = Pdf::new();
        let mut pages = Vec::new();
        let mut streams = Vec::new();
        for (place, page) in (1..).zip(all) {
            self.page = page;
            let foot = format!("Page {place} of {count}");
            let wide = self.plain.width(&foot, Style::Small.size());
            self.show(&foot, Style::Small, WIDTH - MARGIN - wide, 450);
            let name = self.wrapped(&title, Style::Small, MEASURE - wide - GUTTER);
            self.show(&name.first().cloned().unwrap_or_default(), Style::Small, MARGIN, 450);
            let page = std::mem::replace(&mut self.page, Content::new());
            pages.push(numbers.next());
            streams.push((numbers.next(), packed(&page.finish())?));
        }
        let plain = self.plain.write(&mut pdf, &mut numbers)?;
        let strong = self.strong.write(&mut pdf, &mut numbers)?;
        pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
        pdf.document_info(info).title(TextStr(&title)).producer(TextStr("Portico"));
        let number = i32::try_from(count).map_err(Error::internal)?;
        pdf.pages(tree).kids(pages.iter().copied()).count(number);
        for (page, (stream, content)) in pages.iter().zip(&streams) {
            let mut it = pdf.page(*page);
            it.parent(tree).media_box(Rect::new(0.0, 0.0, 595.3, 841.9)).contents(*stream);
            it.resources().fonts().pair(Name(PLAIN), plain).pair(Name(STRONG), strong);
            it.finish();
            pdf.stream(*stream, content).filter(Filter::FlateDecode);
        }
        Ok(pdf.finish())
    }

    /// Turns the page where there is no room for so much.
    fn room(&mut self, tall: i32) {
        if self.y - tall < BOTTOM {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let full = std::mem::replace(&mut self.page, blank());
        self.full.push(full);
        self.y = HEIGHT - MARGIN;
    }

    fn rule(&mut self) {
        let page = &mut self.page;
        page.set_stroke_gray(0.8).set_line_width(5.0);
        page.move_to(unit(MARGIN), unit(self.y)).line_to(unit(WIDTH - MARGIN), unit(self.y));
        page.stroke();
    }

    fn font(&mut self, style: Style) -> &mut Font {
        if style.is_strong() { &mut self.strong } else { &mut self.plain }
    }

    /// Where a line begins: figures end at the right of their column.
    fn pushed(&mut self, line: &str, style: Style, left: i32, width: i32, figures: bool) -> i32 {
        if !figures {
            return left;
        }
        let wide = self.font(style).width(line, style.size());
        left + (width - wide).max(0)
    }

    fn show(&mut self, line: &str, style: Style, x: i32, y: i32) {
        let line: String = line.nfc().collect();
        let glyphs = self.font(style).glyphs(&line);
        let name = if style.is_strong() { STRONG } else { PLAIN };
        let page = &mut self.page;
        page.begin_text().set_fill_gray(style.gray()).set_font(Name(name), unit(style.size()));
        page.next_line(unit(x), unit(y)).show(Str(&glyphs)).end_text();
    }

    /// The text in lines that are no wider; a word that is goes on in the next.
    fn wrapped(&mut self, text: &str, style: Style, width: i32) -> Vec<String> {
        let (font, size) = (self.font(style), style.size());
        let mut lines = Vec::new();
        for paragraph in text.nfc().collect::<String>().split('\n') {
            let mut line = String::new();
            for word in paragraph.split_whitespace() {
                let longer =
                    if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if font.width(&longer, size) <= width {
                    line = longer;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                for each in word.chars() {
                    line.push(each);
                    if font.width(&line, size) > width && line.chars().count() > 1 {
                        line.pop();
                        lines.push(std::mem::take(&mut line));
                        line.push(each);
                    }
                }
            }
            lines.push(line);
        }
        lines
    }
}

const PLAIN: &[u8] = b"P";
const STRONG: &[u8] = b"S";

/// A page on which lengths are tenths of a point.
fn blank() -> Content {
    let mut page = Content::new();
    page.transform([0.1, 0.0, 0.0, 0.1, 0.0, 0.0]);
    page
}

/// Left edge and width of each column.
fn places(columns: &[Column]) -> Vec<(i32, i32)> {
    let mut left = MARGIN;
    let place = |column: &Column| {
        let (from, share) = (left, MEASURE * column.share / 100);
        left += share;
        (from, share - GUTTER)
    };
    columns.iter().map(place).collect()
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_and_texts_are_wrapped_and_nothing_is_lost() {
        let mut paper = Paper::new("Wrapped").unwrap();
        let long = "x".repeat(400);
        let lines = paper.wrapped(&long, Style::Text, 1_000);
        assert!(lines.len() > 10 && lines.concat() == long);
        let text = "a few words\nand a second line";
        assert_eq!(paper.wrapped(text, Style::Text, MEASURE), ["a few words", "and a second line"]);
        for line in paper.wrapped(&"words and words ".repeat(50), Style::Text, 1_500) {
            assert!(paper.plain.width(&line, 95) <= 1_500, "{line}");
        }
    }

    #[test]
    fn a_long_table_goes_over_pages_and_the_same_content_gives_the_same_bytes() {
        let make = || {
            let mut paper = Paper::new("Rows").unwrap();
            let columns = [
                Column { title: "Name", share: 70, figures: false },
                Column { title: "Amount", share: 30, figures: true },
            ];
            let row = |n: i32| vec![Cell::from(format!("Łukasz {n}")), Cell::from(n.to_string())];
            paper.table(&columns, &(0..200).map(row).collect::<Vec<_>>());
            // One row that no page can hold.
            paper.table(&columns, &[vec![Cell::from("word ".repeat(3_000)), Cell::default()]]);
            paper.finish().unwrap()
        };
        let bytes = make();
        assert_eq!(bytes, make());
        let pages = bytes.windows(11).filter(|each| each == b"/Type /Page").count() - 1;
        assert!(pages > 6, "{pages}");
        assert!(bytes.len() < 60_000, "{} bytes: only glyphs that are used go along", bytes.len());
    }
}
