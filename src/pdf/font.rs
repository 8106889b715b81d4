//! A font that goes along in the document, cut down to the glyphs that are used.

use super::packed;
use crate::error::{Error, Result};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

const REGULAR: &[u8] = include_bytes!("../../assets/print/inter-regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../assets/print/inter-semibold.ttf");

/// Stands for a character that the font lacks.
const LACKING: char = '?';

/// Numbers of the document's objects.
#[derive(Default)]
pub struct Numbers(i32);

impl Numbers {
    pub fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// A length or size as the document has it.
pub fn unit(tenths: i32) -> f32 {
    i16::try_from(tenths).map_or(0.0, f32::from)
}

/// A glyph in use.
struct Used {
    shows: char,
    width: i32,
}

pub struct Font {
    name: &'static [u8],
    bytes: &'static [u8],
    face: Face<'static>,
    chosen: GlyphRemapper,
    used: BTreeMap<u16, Used>,
}

impl Font {
    pub fn plain() -> Result<Font> {
        Font::of(b"PORTIC+Inter-Regular", REGULAR)
    }

    pub fn strong() -> Result<Font> {
        Font::of(b"PORTIC+Inter-SemiBold", SEMIBOLD)
    }

    fn of(name: &'static [u8], bytes: &'static [u8]) -> Result<Font> {
        let face = Face::parse(bytes, 0).map_err(Error::internal)?;
        Ok(Font { name, bytes, face, chosen: GlyphRemapper::new(), used: BTreeMap::new() })
    }

    /// How wide a line is at a size.
    pub fn width(&self, line: &str, size: i32) -> i32 {
        let wide: i32 = line.chars().map(|each| self.advance(self.glyph(each).0)).sum();
        wide * size / 1_000
    }

    fn glyph(&self, of: char) -> (GlyphId, char) {
        let known = |each| self.face.glyph_index(each).map(|glyph| (glyph, each));
        known(of).or_else(|| known(LACKING)).unwrap_or((GlyphId(0), of))
    }

    /// In thousandths of the size.
    fn advance(&self, glyph: GlyphId) -> i32 {
        let wide = i32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
        self.scaled(wide)
    }

    fn scaled(&self, length: i32) -> i32 {
        length * 1_000 / i32::from(self.face.units_per_em()).max(1)
    }

    /// The line as the document shows it: two bytes a glyph.
    pub fn glyphs(&mut self, line: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(line.len() * 2);
        for each in line.chars() {
            let (glyph, shows) = self.glyph(each);
            let width = self.advance(glyph);
            let number = self.chosen.remap(glyph.0);
            self.used.entry(number).or_insert(Used { shows, width });
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    /// Writes the font into the document.
    pub fn write(&self, pdf: &mut Pdf, numbers: &mut Numbers) -> Result<Ref> {
        let (whole, cid, about) = (numbers.next(), numbers.next(), numbers.next());
        let (map, file) = (numbers.next(), numbers.next());
        let system =
            SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        pdf.type0_font(whole)
            .base_font(Name(self.name))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type2)
            .base_font(Name(self.name))
            .system_info(system)
            .font_descriptor(about)
            .default_width(0.0)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = font.widths();
        for (number, used) in &self.used {
            widths.consecutive(*number, [unit(used.width)]);
        }
        widths.finish();
        font.finish();
        let of = |length: i16| unit(self.scaled(i32::from(length)));
        let bounds = self.face.global_bounding_box();
        pdf.font_descriptor(about)
            .name(Name(self.name))
            .flags(FontFlags::NON_SYMBOLIC)
            .bbox(Rect::new(of(bounds.x_min), of(bounds.y_min), of(bounds.x_max), of(bounds.y_max)))
            .italic_angle(0.0)
            .ascent(of(self.face.ascender()))
            .descent(of(self.face.descender()))
            .cap_height(of(self.face.capital_height().unwrap_or(self.face.ascender())))
            .stem_v(95.0)
            .font_file2(file);
        let mut unicode = UnicodeCmap::new(Name(b"Portico"), system);
        for (number, used) in &self.used {
            unicode.pair(*number, used.shows);
        }
        pdf.cmap(map, &unicode.finish());
        let cut = subsetter::subset(self.bytes, 0, &self.chosen).map_err(Error::internal)?;
        let length = i32::try_from(cut.len()).map_err(Error::internal)?;
        let cut = packed(&cut)?;
        let mut stream = pdf.stream(file, &cut);
        stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
        stream.finish();
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_latin_greek_and_cyrillic_is_there() {
        for font in [Font::plain().unwrap(), Font::strong().unwrap()] {
            // Left out: a deprecated letter, digraphs that stand for two letters, and one more of none's use.
            let without = [0x149, 0x1c4, 0x1e9c];
            let letters = (0x21..0x7f).chain(0xa1..0x250).chain(0x1e00..0x1f00);
            let more = (0x391..0x3aa).chain(0x3b1..0x3ca).chain(0x410..0x450);
            for letter in letters.chain(more).filter(|letter| *letter != 0xad) {
                let letter = char::from_u32(letter).unwrap();
                if letter == '\u{3a2}' || without.contains(&u32::from(letter)) {
                    continue;
                }
                assert!(
                    font.face.glyph_index(letter).is_some(),
                    "{letter} {:x}",
                    u32::from(letter)
                );
            }
            for sign in "€£¥₺₴—–“”„‘’…•·←→−≤≥✓".chars() {
                assert!(font.face.glyph_index(sign).is_some(), "{sign}");
            }
            assert_eq!(font.glyph('李').1, LACKING);
        }
    }

    #[test]
    fn a_line_is_as_wide_as_its_letters() {
        let font = Font::plain().unwrap();
        assert_eq!(font.width("", 100), 0);
        assert!(font.width("WWWW", 100) > font.width("iiii", 100) * 2);
        assert_eq!(font.width("aaaa", 200), font.width("aaaa", 100) * 2);
    }
}
