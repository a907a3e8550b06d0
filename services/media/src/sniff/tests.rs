//! What is taken and what is not.

use std::io::Cursor;

use super::*;

fn look(bytes: &[u8]) -> Result<Sniffed, Refusal> {
    sniff(Cursor::new(bytes), &Limits::default())
}

fn refused_as(bytes: &[u8]) -> Option<Lookalike> {
    match look(bytes) {
        Err(Refusal::NotMedia { looks_like }) => looks_like,
        other => panic!("{other:?}"),
    }
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

/// A video track with this data reference, size and number of pictures.
fn movie(reference: &[u8], size: (u16, u16), pictures: u32) -> Vec<u8> {
    let mut mdhd = vec![0; 12];
    mdhd.extend_from_slice(&30_u32.to_be_bytes());
    mdhd.extend_from_slice(&pictures.to_be_bytes());
    mdhd.extend_from_slice(&[0; 4]);
    let hdlr = [&[0; 8][..], b"vide", &[0; 13]].concat();
    let dref = [&[0, 0, 0, 0, 0, 0, 0, 1][..], reference].concat();
    let mut entry = vec![0; 78];
    entry[24..26].copy_from_slice(&size.0.to_be_bytes());
    entry[26..28].copy_from_slice(&size.1.to_be_bytes());
    let stsd = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(b"avc1", &entry)].concat();
    let mut stts = vec![0, 0, 0, 0, 0, 0, 0, 1];
    stts.extend_from_slice(&pictures.to_be_bytes());
    stts.extend_from_slice(&1_u32.to_be_bytes());
    let stbl = [boxed(b"stsd", &stsd), boxed(b"stts", &stts)].concat();
    let dinf = boxed(b"dinf", &boxed(b"dref", &dref));
    let minf = [dinf, boxed(b"stbl", &stbl)].concat();
    let mdia = [boxed(b"mdhd", &mdhd), boxed(b"hdlr", &hdlr), boxed(b"minf", &minf)].concat();
    let moov = boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", &mdia)));
    [boxed(b"ftyp", b"isom\0\0\x02\0isommp41"), moov, boxed(b"mdat", &[7; 64])].concat()
}

fn own() -> Vec<u8> {
    boxed(b"url ", &[0, 0, 0, 1])
}

#[test]
fn a_movie_tells_its_size_pictures_and_length() {
    let sniffed = look(&movie(&own(), (720, 1_280), 90)).expect("taken");
    assert_eq!(sniffed.kind, Kind::Mp4);
    assert_eq!((sniffed.size, sniffed.frames, sniffed.seconds), (Some((720, 1_280)), Some(90), Some(3.0)));
}

#[test]
fn data_in_another_file_is_refused() {
    for reference in [
        boxed(b"url ", b"\0\0\0\0http://127.0.0.1/x\0"),
        boxed(b"urn ", b"\0\0\0\0a\0b\0"),
        boxed(b"alis", &[0; 200]),
        [own(), boxed(b"url ", b"\0\0\0\0file:///etc/passwd\0")].concat(),
    ] {
        let refused = look(&movie(&reference, (64, 64), 3));
        assert_eq!(refused, Err(Refusal::ExternalReference { kind: Kind::Mp4 }));
    }
}

#[test]
fn claims_beyond_the_limits_are_refused_before_decoding() {
    assert!(matches!(look(&movie(&own(), (60_000, 64), 3)), Err(Refusal::TooLarge(_))));
    assert!(matches!(look(&movie(&own(), (64, 64), 1_000_000)), Err(Refusal::TooLarge(_))));
    assert!(matches!(look(&movie(&own(), (0, 64), 3)), Err(Refusal::Malformed { .. })));
}

#[test]
fn every_cut_of_a_movie_is_refused() {
    let whole = movie(&own(), (64, 64), 3);
    for length in 0..whole.len() {
        assert!(look(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn what_follows_a_movie_is_named() {
    let clip = movie(&own(), (64, 64), 3);
    let second = |tail: &[u8]| match look(&[clip.as_slice(), tail].concat()) {
        Err(Refusal::Polyglot { second, .. }) => second,
        other => panic!("{other:?}"),
    };
    assert_eq!(second(b"<html><script>alert(1)</script></html>"), Lookalike::Html);
    assert_eq!(second(b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/\n"), Lookalike::M3u8);
    assert_eq!(second(&clip), Lookalike::Media);
    assert_eq!(second(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Lookalike::Media);
    assert!(matches!(
        look(&[clip.as_slice(), &[0xFF; 40]].concat()),
        Err(Refusal::Trailing { bytes: 40, .. })
    ));
}

#[test]
fn an_archive_inside_a_movie_is_found() {
    let mut archive = b"PK\x01\x02".to_vec();
    archive.resize(46, 0);
    let size = archive.len() as u32;
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend_from_slice(&size.to_le_bytes());
    archive.extend_from_slice(&0_u32.to_le_bytes());
    archive.extend_from_slice(&0_u16.to_le_bytes());
    let clip = [movie(&own(), (64, 64), 3), boxed(b"free", &archive)].concat();
    assert_eq!(look(&clip), Err(Refusal::Polyglot { kind: Kind::Mp4, second: Lookalike::Zip }));
}

#[test]
fn playlists_pages_and_programs_are_refused_by_name() {
    let cases: [(&[u8], Lookalike); 16] = [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n", Lookalike::M3u8),
        (b"\xEF\xBB\xBF#EXTM3U\n", Lookalike::M3u8),
        (b"\r\n #EXTM3U\n", Lookalike::M3u8),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", Lookalike::Concat),
        (b"file '/etc/passwd'\n", Lookalike::Concat),
        (b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">", Lookalike::Dash),
        (b"<!DOCTYPE html><html>", Lookalike::Html),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", Lookalike::Svg),
        (b"<rss></rss>", Lookalike::Xml),
        (b"%PDF-1.7\n", Lookalike::Pdf),
        (b"PK\x03\x04rest", Lookalike::Zip),
        (b"{\"a\": 1}", Lookalike::Json),
        (b"[playlist]\nFile1=http://x\n", Lookalike::Playlist),
        (b"#!/bin/sh\n", Lookalike::Program),
        (b"\x7fELF\x02", Lookalike::Program),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", Lookalike::Heif),
    ];
    for (bytes, like) in cases {
        assert_eq!(refused_as(bytes), Some(like), "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(refused_as(b""), Some(Lookalike::Empty));
    assert_eq!(refused_as(b"\x00\x01\x02\x03\xFF\xFE"), None);
    // A movie that begins later is none.
    let late = [b"    ".to_vec(), movie(&own(), (64, 64), 3)].concat();
    assert_eq!(refused_as(&late), None);
}

fn png(size: (u32, u32)) -> Vec<u8> {
    let chunk =
        |name: &[u8; 4], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], name, body, &[0; 4]].concat();
    let header = [&size.0.to_be_bytes()[..], &size.1.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &[1]), chunk(b"IEND", &[])]
        .concat()
}

#[test]
fn pictures_tell_their_size_and_end_where_they_end() {
    assert_eq!(look(&png((300, 200))).map(|sniffed| sniffed.size), Ok(Some((300, 200))));
    assert!(matches!(look(&png((60_000, 60_000))), Err(Refusal::TooLarge(_))));
    let both = [png((30, 20)), movie(&own(), (64, 64), 3)].concat();
    assert_eq!(look(&both), Err(Refusal::Polyglot { kind: Kind::Png, second: Lookalike::Media }));
    let cut = png((30, 20));
    assert_eq!(look(&cut[..cut.len() - 1]), Err(Refusal::Truncated { kind: Kind::Png }));
    let gif = b"GIF89a\x0a\0\x14\0\0\0\0\x2C\0\0\0\0\x0a\0\x14\0\0\x02\x01\0\0\x3B";
    assert_eq!(look(gif).map(|sniffed| sniffed.size), Ok(Some((10, 20))));
}

#[test]
fn a_motion_photo_is_two_files() {
    let mut jpeg =
        b"\xFF\xD8\xFF\xC0\0\x0B\x08\0\x10\0\x20\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\x11\xFF\xD9"
            .to_vec();
    assert_eq!(look(&jpeg).map(|sniffed| sniffed.size), Ok(Some((32, 16))));
    jpeg.extend_from_slice(b"SEFT");
    assert!(look(&jpeg).is_ok());
    jpeg.extend_from_slice(&movie(&own(), (64, 64), 3));
    assert_eq!(look(&jpeg), Err(Refusal::Polyglot { kind: Kind::Jpeg, second: Lookalike::Media }));
}

#[test]
fn random_bytes_never_panic() {
    let seeds = [movie(&own(), (64, 64), 3), png((30, 20)), b"OggS".to_vec(), b"\x1A\x45\xDF\xA3".to_vec()];
    let mut state = 1_u64;
    for round in 0..4_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        bytes.resize(bytes.len().max(64), 0x5A);
        for _ in 0..4 {
            // Knuth's 64-bit linear congruential generator.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] = (state >> 24) as u8;
        }
        // Either answer is right; the promise is that there is one.
        let _ = look(&bytes);
    }
}
