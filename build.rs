//! Prepares the embedded assets: one sheet from two, each file under a name that carries its
//! content's hash, and compressed copies beside it, so that nothing is compressed at request time.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Fonts come first: the sheet names them, and its own hash depends on their names.
const FONTS: &[&str] = &["inter-latin.woff2", "inter-ext.woff2"];
const PLAIN: &[&str] = &["app.js", "htmx.min.js", "icons.svg", "logo.svg", "favicon.svg"];

#[expect(clippy::disallowed_macros, reason = "printing is how a build script speaks to cargo")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let folder = out.join("assets");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let assets = Path::new("assets");
    let mut names = Vec::new();
    for font in FONTS {
        names.push((*font, publish(&folder, font, &fs::read(assets.join(font))?)?));
    }
    let mut sheet = fs::read_to_string(assets.join("tabler.css"))?;
    sheet.push_str(&minified(&fs::read_to_string(assets.join("app.css"))?));
    for (plain, hashed) in &names {
        sheet = sheet.replace(&format!("url({plain})"), &format!("url({hashed})"));
    }
    names.push(("portico.css", publish(&folder, "portico.css", sheet.as_bytes())?));
    for file in PLAIN {
        names.push((*file, publish(&folder, file, &fs::read(assets.join(file))?)?));
    }

    let mut table = String::from("&[\n");
    for (plain, hashed) in names {
        writeln!(table, "    ({plain:?}, \"/assets/{hashed}\"),").map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    fs::write(out.join("names.rs"), table)
}

/// Writes the file and, where they are smaller, its brotli and gzip forms; gives its hashed name.
fn publish(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<String> {
    let hash = Sha256::digest(bytes).iter().take(4).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let (stem, kind) = name.rsplit_once('.').ok_or(io::ErrorKind::InvalidInput)?;
    let hashed = format!("{stem}.{hash}.{kind}");
    fs::write(folder.join(&hashed), bytes)?;
    for (ending, packed) in [("br", brotli(bytes)?), ("gz", gzip(bytes)?)] {
        if packed.len() < bytes.len() && kind != "woff2" {
            fs::write(folder.join(format!("{hashed}.{ending}")), packed)?;
        }
    }
    Ok(hashed)
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 11, 22);
    writer.write_all(bytes)?;
    writer.flush()?;
    drop(writer);
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    writer.finish()
}

/// Our sheet without its comments and without space that means nothing. It has no string with a
/// comment or two spaces in it; Tabler's sheet comes minified, its licence line stays.
fn minified(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, tail)| tail);
    }
    bare.push_str(rest);
    let mut tight = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in ["{", "}", ";", ","] {
        tight = tight.replace(&format!(" {mark}"), mark).replace(&format!("{mark} "), mark);
    }
    tight.replace(": ", ":").replace(";}", "}")
}
