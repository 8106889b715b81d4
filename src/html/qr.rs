//! A QR code as inline SVG: black on white in every theme, because cameras want it so.

use maud::{Markup, html};
use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// The picture of `text`, named by `label`; nothing when the text is too long for one.
pub fn picture(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return html! {} };
    let width = code.width();
    let mut path = String::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        for (column, color) in colors.iter().enumerate() {
            if *color == Color::Dark {
                path.push_str(&format!("M{} {}h1v1h-1z", column + 4, row + 4));
            }
        }
    }
    // Four light modules around it belong to the standard.
    let side = width + 8;
    html! {
        svg.qr width="220" height="220" viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(label)
            shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_holds_what_an_app_reads() {
        let svg = picture("otpauth://totp/x?secret=AAAA", "Secret").into_string();
        assert!(svg.contains("viewBox=\"0 0 ") && svg.contains("M4 4h1v1h-1z"));
        assert!(picture(&"x".repeat(5000), "Too long").into_string().is_empty());
    }
}
