//! Photos: what is taken, what is kept of it, and who may see and change it.

use crate::world::{Answer, PROVIDER, Person, World};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::json;
use std::io::Cursor;

/// A JPEG as a telephone writes it: with the place where it was taken.
fn from_a_telephone() -> Vec<u8> {
    let mut plain = Vec::new();
    let shade = |n: u32| u8::try_from(n).unwrap();
    let image = RgbImage::from_fn(640, 480, |x, y| Rgb([shade(x / 3), shade(y / 2), 90]));
    JpegEncoder::new(&mut plain).encode_image(&image).unwrap();
    let mut block =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    block.extend(b"GPSLatitude 52.37 GPSLongitude 4.90");
    let mut out = plain[..2].to_vec();
    out.extend([0xFF, 0xE1]);
    out.extend(u16::try_from(block.len() + 2).unwrap().to_be_bytes());
    out.extend(block);
    out.extend(&plain[2..]);
    out
}

fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = RgbImage::from_pixel(40, 60, Rgb([10, 120, 30]));
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn put(who: &Person, url: &str, bytes: &[u8]) -> Answer {
    let headers = vec![
        ("Authorization".to_owned(), format!("Bearer {}", who.token())),
        ("Content-Type".to_owned(), "image/jpeg".to_owned()),
    ];
    who.ask("PUT", &format!("/api/v1{url}"), bytes.to_vec(), headers)
}

#[test]
fn a_photo_is_written_anew_without_what_a_camera_notes_and_nothing_else_is_taken() {
    let world = World::new();
    let home = world.customer(PROVIDER, "Aldermoor");
    let admin = world.person(PROVIDER, "Provider administrator");
    let theo = world.user(home, "Theo Vane", "theo");
    let url = format!("/users/{theo}/photo");
    assert_eq!(admin.get(&url).status, 404);
    let sent = from_a_telephone();
    assert!(sent.windows(11).any(|w| w == b"GPSLatitude"));
    put(&admin, &url, &sent).expect(204);
    let kept = admin.raw(&format!("/api/v1{url}"));
    for trace in [b"GPSLatitude".as_slice(), b"Exif"] {
        assert!(!kept.windows(trace.len()).any(|w| w == trace), "the place is not kept");
    }
    let image = image::load_from_memory_with_format(&kept, ImageFormat::Jpeg).unwrap();
    assert_eq!((image.width(), image.height()), (256, 256));
    let shown = admin.get(&url).expect(200);
    assert_eq!(shown.header("Content-Type"), "image/jpeg");
    assert!(admin.get(&format!("/users/{theo}")).says("Photo of Theo Vane"));

    let svg = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    for (what, bytes, why) in [
        ("an SVG", svg.to_vec(), "photo must be a JPEG or PNG file"),
        ("10 MB", vec![0xFF; 10 * 1024 * 1024], "photo must be at most 512 kB"),
        ("nothing", Vec::new(), "photo is required"),
        ("half a photo", png()[..60].to_vec(), "photo cannot be read: is it damaged?"),
    ] {
        assert_eq!(put(&admin, &url, &bytes).expect(422).complaints(), [why], "{what}");
    }
    assert_eq!(admin.raw(&format!("/api/v1{url}")), kept, "the old one stays");
    let form = format!("{url}/edit");
    assert!(admin.get(&form).says("Remove the photo"));
    let refused = admin.upload(&url, &[], ("photo", "x.svg", svg)).expect(422);
    assert!(refused.says("File must be a JPEG or PNG file."), "{}", refused.body);
    assert_eq!(admin.upload(&url, &[], ("photo", "x.png", &png())).status, 303);
    assert_ne!(admin.raw(&format!("/api/v1{url}")), kept);
    assert_eq!(admin.post(&format!("{url}/remove"), &[]).status, 303);
    assert_eq!(admin.get(&url).status, 404);
    let told = "SELECT group_concat(detail) FROM audit_log WHERE action = 'user.changed'";
    assert_eq!(
        world.text(told),
        r#"{"photo":[false,true]},{"photo":[true,true]},{"photo":[true,false]}"#
    );
}

#[test]
fn people_have_a_photo_of_their_own_where_they_may_and_others_see_only_their_branch() {
    let world = World::new();
    let home = world.customer(PROVIDER, "Aldermoor");
    let allowed = "INSERT INTO allowed_roles (customer_id, role_id, rule)
                   SELECT ?1, id, 'allow' FROM roles WHERE name = 'My account'";
    world.sql().execute(allowed, [home]).unwrap();
    let member = world.person(home, "My account");
    let plain = world.person(home, "");
    assert!(member.get("/account/photo/edit").says("Save photo"));
    assert_eq!(plain.get("/account/photo/edit").status, 403);
    assert_eq!(plain.upload("/account/photo", &[], ("photo", "x.png", &png())).status, 403);
    assert_eq!(member.upload("/account/photo", &[], ("photo", "x.png", &png())).status, 303);
    assert_eq!(member.get("/account/photo").status, 200);
    put(&member, "/account/photo", &from_a_telephone()).expect(204);
    let url = format!("/users/{}/photo", member.id);
    let ca = world.person(home, "Customer administrator");
    assert_eq!(ca.get(&url).status, 200);
    let helpdesk = world.person(home, "Customer helpdesk");
    assert_eq!((helpdesk.get(&url).status, put(&helpdesk, &url, &png()).status), (200, 403));
    let other = world.person(world.reseller("Ferrow"), "Reseller administrator");
    assert_eq!((other.get(&url).status, put(&other, &url, &png()).status), (404, 404));
    assert_eq!(other.api_delete(&url).status, 404);
    // It goes with the person.
    let ca_again = world.person(home, "Customer administrator");
    ca_again.api_delete(&format!("/users/{}?deprovision=true", member.id)).expect(200);
    assert_eq!(
        put(&ca_again, &url, &png()).expect(422).complaints(),
        ["The My account is deleted."]
    );
    let upn = world.text(&format!("SELECT upn FROM users WHERE id = {}", member.id));
    let sure = json!({ "confirm": upn });
    ca_again.api_post(&format!("/users/{}/erase", member.id), sure).expect(204);
    assert_eq!(world.count("SELECT count(*) FROM user_photos"), 0);
}
