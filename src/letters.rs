//! Letters of Latin, Greek and Cyrillic writing as a–z, for codes, sign-in names and file names.

use unicode_normalization::UnicodeNormalization;

/// The same with capitals kept: "Ångström" is "Angstroem".
pub fn ascii(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for letter in text.nfc() {
        let folded = fold(letter.encode_utf8(&mut [0; 4]));
        let mut letters = folded.chars();
        match letters.next() {
            Some(first) if letter.is_uppercase() => all.push(first.to_ascii_uppercase()),
            Some(first) => all.push(first),
            None => {}
        }
        all.extend(letters);
    }
    all
}

/// Small letters of Latin, Greek and Cyrillic writing as a–z; other scripts and apostrophes drop
/// out, everything else stays as it is.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfc().flat_map(char::to_lowercase) {
        match letter {
            '\'' | '’' | '‘' | '`' | 'ʼ' => {}
            letter if letter.is_ascii() => folded.push(letter),
            letter => match special(letter) {
                Some(letters) => folded.push_str(letters),
                None => fold_letter(letter, &mut folded),
            },
        }
    }
    folded
}

/// An accented letter is its first part; a sign that is no letter parts words.
fn fold_letter(letter: char, folded: &mut String) {
    let mut plain = std::iter::once(letter).nfkd().filter(|c| !is_mark(*c));
    match plain.next() {
        Some(first) if first.is_ascii() => {
            folded.push(first.to_ascii_lowercase());
            folded.extend(plain.filter(char::is_ascii).map(|c| c.to_ascii_lowercase()));
        }
        Some(first) => match special(first) {
            Some(letters) => folded.push_str(letters),
            None if first.is_alphanumeric() => {}
            None => folded.push(' '),
        },
        None => {}
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}')
}

#[rustfmt::skip]
fn special(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' => "ae", 'ö' => "oe", 'ü' => "ue", 'ß' => "ss", 'å' => "a", 'ø' => "o", 'æ' => "ae",
        'œ' => "oe", 'ł' => "l", 'đ' | 'ð' => "d", 'þ' => "th", 'ħ' => "h", 'ı' => "i", 'ŋ' => "n",
        'ŧ' => "t", 'ə' => "e",
        'α' => "a", 'β' => "v", 'γ' => "g", 'δ' => "d", 'ε' => "e", 'ζ' => "z", 'η' => "i",
        'θ' => "th", 'ι' => "i", 'κ' => "k", 'λ' => "l", 'μ' => "m", 'ν' => "n", 'ξ' => "x",
        'ο' => "o", 'π' => "p", 'ρ' => "r", 'σ' | 'ς' => "s", 'τ' => "t", 'υ' => "y", 'φ' => "f",
        'χ' => "ch", 'ψ' => "ps", 'ω' => "o",
        'а' => "a", 'б' => "b", 'в' => "v", 'г' | 'ґ' => "g", 'д' => "d", 'е' | 'э' => "e",
        'ё' => "e", 'є' => "ie", 'ж' => "zh", 'з' => "z", 'и' => "i", 'і' => "i", 'ї' => "i",
        'й' => "i", 'к' => "k", 'л' => "l", 'м' => "m", 'н' => "n", 'о' => "o", 'п' => "p",
        'р' => "r", 'с' => "s", 'т' => "t", 'у' => "u", 'ў' => "u", 'ф' => "f", 'х' => "kh",
        'ц' => "ts", 'ч' => "ch", 'ш' => "sh", 'щ' => "shch", 'ъ' | 'ь' => "", 'ы' => "y",
        'ю' => "iu", 'я' => "ia", 'ђ' => "dj", 'ј' => "j", 'љ' => "lj", 'њ' => "nj", 'ћ' => "c",
        'џ' => "dz",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_what_can_be_read() {
        assert_eq!(fold("Çağla Yıldız"), "cagla yildiz");
        assert_eq!(fold("Zoë van den Berg-Ångström"), "zoe van den berg-angstroem");
        assert_eq!(fold("O'Hallan ½ ﬁ"), "ohallan 12 fi");
    }

    #[test]
    fn capitals_are_kept() {
        assert_eq!(ascii("Ångström & Söhne ГАЗ 李"), "Angstroem & Soehne GAZ ");
    }
}
