//! The files that pages load. `build.rs` puts each under a name with its content's hash, so a
//! browser may keep it for good; compressed copies are embedded too.

use rust_embed::Embed;
use std::borrow::Cow;

#[derive(Embed)]
#[folder = "$OUT_DIR/assets"]
struct Files;

/// Name in the sources, address of the hashed file.
const NAMES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

#[derive(Debug)]
pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub content_type: &'static str,
    /// The `Content-Encoding`, where there is one.
    pub encoding: Option<&'static str>,
    /// Quoted, and another one for each encoding.
    pub etag: String,
}

/// The address of an asset by its plain name. A test sees that every name in the sources is known.
pub fn address(name: &str) -> &'static str {
    NAMES.iter().find(|(plain, _)| *plain == name).map_or("/assets/", |(_, address)| address)
}

/// The file at `path` (what follows `/assets/`) in the best encoding that the browser accepts.
pub fn lookup(path: &str, accept_encoding: &str) -> Option<Asset> {
    let (_, address) = NAMES.iter().find(|(_, address)| address.ends_with(path))?;
    let file = address.strip_prefix("/assets/").filter(|file| *file == path)?;
    let content_type = match file.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    };
    let packed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, ending)| {
        let found = accepts(accept_encoding, encoding).then(|| format!("{file}.{ending}"))?;
        Some((Some(encoding), Files::get(&found)?.data))
    });
    let (encoding, bytes) = match packed {
        Some(found) => found,
        None => (None, Files::get(file)?.data),
    };
    let etag =
        format!("\"{file}{}\"", encoding.map_or("", |e| if e == "br" { "+br" } else { "+gz" }));
    Some(Asset { bytes, content_type, encoding, etag })
}

/// Whether the header names the encoding, other than with `q=0`.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let zero = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| !q.is_empty() && q.chars().all(|c| c == '0' || c == '.'));
        name.trim().eq_ignore_ascii_case(encoding) && !zero
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asset_is_served_as_it_is_and_packed() {
        for (plain, address) in NAMES {
            let file = address.strip_prefix("/assets/").unwrap();
            let whole = lookup(file, "").unwrap();
            assert_eq!(whole.encoding, None, "{plain}");
            let packed = lookup(file, "gzip, deflate, br;q=0.9").unwrap();
            assert_eq!(packed.encoding.is_none(), plain.ends_with("woff2"), "{plain}");
            assert!(packed.bytes.len() <= whole.bytes.len());
        }
        let sheet = address("portico.css").strip_prefix("/assets/").unwrap();
        assert_eq!(lookup(sheet, "br;q=0, gzip").unwrap().encoding, Some("gzip"));
        assert_eq!(lookup(sheet, "br;q=0, gzip; q=0.0").unwrap().encoding, None);
        let tags: Vec<_> = ["", "br", "gzip"].map(|e| lookup(sheet, e).unwrap().etag).into();
        assert!(tags[0] != tags[1] && tags[1] != tags[2]);
    }

    #[test]
    fn only_whole_hashed_names_are_found() {
        let sheet = address("portico.css").strip_prefix("/assets/").unwrap();
        for path in ["", "portico.css", "css", "../names.rs", &format!("{sheet}.br")] {
            assert!(lookup(path, "br").is_none(), "{path}");
        }
    }

    #[test]
    fn the_sheet_names_the_hashed_fonts() {
        let sheet = lookup(address("portico.css").strip_prefix("/assets/").unwrap(), "").unwrap();
        let text = String::from_utf8(sheet.bytes.into_owned()).unwrap();
        for font in ["inter-latin.woff2", "inter-ext.woff2"] {
            let file = address(font).strip_prefix("/assets/").unwrap();
            assert!(text.contains(&format!("url({file})")), "{font}");
            assert!(!text.contains(&format!("url({font})")), "{font}");
        }
        assert!(text.contains("Tabler") && !text.contains("Frame ──"), "licence kept, ours bare");
    }
}
