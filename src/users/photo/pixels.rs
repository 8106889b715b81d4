//! From bytes that somebody sent to a picture of our own: 256 by 256 pixels, and nothing besides.

use super::BYTES;
use crate::error::{Error, Result};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::PngDecoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageResult, Limits, Rgb, RgbImage};
use parking_lot::Mutex;
use std::io::Cursor;

/// Pixels of a side of what is kept.
const SIDE: u32 = 256;
/// The longest side that is decoded.
const LONGEST: u32 = 8_000;
/// Bytes that a decoder may take.
const MEMORY: u64 = 96 * 1024 * 1024;

/// One at a time, so that many photos take no more memory than one.
static DECODING: Mutex<()> = Mutex::new(());

/// Decodes JPEG or PNG and writes it anew as a square JPEG, upright.
pub fn square(sent: &[u8]) -> Result<Vec<u8>> {
    let wrong = |text: &str| Error::invalid("photo", text.to_owned());
    if sent.is_empty() {
        return Err(wrong("is required"));
    }
    if sent.len() > BYTES {
        return Err(wrong("must be at most 512 kB"));
    }
    let is_jpeg = sent.starts_with(&[0xFF, 0xD8, 0xFF]);
    if !is_jpeg && !sent.starts_with(&[0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n']) {
        return Err(wrong("must be a JPEG or PNG file"));
    }
    let _alone = DECODING.lock();
    let decoded = if is_jpeg {
        JpegDecoder::new(Cursor::new(sent)).and_then(upright)
    } else {
        PngDecoder::with_limits(Cursor::new(sent), limits()).and_then(upright)
    };
    let image = decoded.map_err(|err| match err {
        image::ImageError::Limits(_) => wrong("has too many pixels"),
        _ => wrong("cannot be read: is it damaged?"),
    })?;
    let small = image.resize_to_fill(SIDE, SIDE, FilterType::Triangle);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 85)
        .encode_image(&on_white(&small))
        .map_err(Error::internal)?;
    Ok(jpeg)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(MEMORY);
    limits
}

/// The picture as the camera was held.
fn upright<D: ImageDecoder>(mut decoder: D) -> ImageResult<DynamicImage> {
    let mut limits = limits();
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height)?;
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(turned);
    Ok(image)
}

/// Without what lets through: JPEG knows no alpha.
fn on_white(image: &DynamicImage) -> RgbImage {
    let from = image.to_rgba8();
    let mut onto = RgbImage::new(from.width(), from.height());
    for (to, pixel) in onto.pixels_mut().zip(from.pixels()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let over = |colour: u32| {
            let mixed = (colour * alpha + 255 * (255 - alpha)) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    onto
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgba, RgbaImage};

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let image = RgbaImage::from_pixel(width, height, Rgba([200, 0, 0, 255]));
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    fn said(sent: &[u8]) -> String {
        square(sent).unwrap_err().to_string()
    }

    #[test]
    fn whatever_size_it_had_it_is_a_small_square_jpeg() {
        for (width, height) in [(1, 1), (640, 480), (90, 2000)] {
            let jpeg = square(&png(width, height)).unwrap();
            assert!(jpeg.starts_with(&[0xFF, 0xD8, 0xFF]) && jpeg.len() < 40_000);
            let image = image::load_from_memory(&jpeg).unwrap();
            assert_eq!((image.width(), image.height()), (SIDE, SIDE));
        }
    }

    #[test]
    fn what_is_no_picture_or_too_much_of_one_is_refused_in_a_sentence() {
        assert_eq!(said(b""), "photo is required");
        assert_eq!(
            said(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            "photo must be a JPEG or PNG file"
        );
        assert_eq!(said(b"GIF89a"), "photo must be a JPEG or PNG file");
        assert_eq!(said(&vec![0xFF; 10 * 1024 * 1024]), "photo must be at most 512 kB");
        assert_eq!(
            said(&[0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]),
            "photo cannot be read: is it damaged?"
        );
        let whole = png(300, 300);
        assert_eq!(said(&whole[..whole.len() / 2]), "photo cannot be read: is it damaged?");
        // Few bytes that would be many pixels.
        let bomb = png(8_001, 40);
        assert!(bomb.len() < BYTES);
        assert_eq!(said(&bomb), "photo has too many pixels");
        let mut wide = png(20, 20);
        // 30,000 by 30,000 in the header; its checksum is wrong too, and nothing is allocated for it.
        wide.splice(16..24, [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        assert!(said(&wide).starts_with("photo "));
    }

    /// A JPEG with an EXIF block that says where and how it was taken.
    fn with_exif() -> Vec<u8> {
        let mut plain = Vec::new();
        let mut image = RgbImage::from_pixel(64, 64, Rgb([255, 255, 255]));
        for x in 0..64 {
            for y in 0..32 {
                image.put_pixel(x, y, Rgb([0, 0, 0]));
            }
        }
        JpegEncoder::new(&mut plain).encode_image(&image).unwrap();
        let mut tiff = b"II*\0\x08\0\0\0".to_vec();
        tiff.extend([2, 0]);
        // Orientation (0x0112), short, 1: turned by 180 degrees.
        tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
        // Position (0x8825): at offset 38.
        tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0]);
        tiff.extend([0, 0, 0, 0]);
        tiff.extend(b"GPS-52.37N-4.90E");
        let mut block = b"Exif\0\0".to_vec();
        block.extend(&tiff);
        let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
        let mut out = plain[..2].to_vec();
        out.extend([0xFF, 0xE1]);
        out.extend(length);
        out.extend(block);
        out.extend(&plain[2..]);
        out
    }

    #[test]
    fn where_it_was_taken_is_dropped_and_how_it_was_held_is_heeded() {
        let sent = with_exif();
        assert!(sent.windows(4).any(|w| w == b"GPS-"));
        let kept = square(&sent).unwrap();
        for trace in [b"GPS-".as_slice(), b"Exif"] {
            assert!(!kept.windows(4).any(|w| w == trace));
        }
        let image = image::load_from_memory(&kept).unwrap().to_rgb8();
        assert!(image.get_pixel(128, 20).0[0] > 200 && image.get_pixel(128, 230).0[0] < 50);
    }
}
