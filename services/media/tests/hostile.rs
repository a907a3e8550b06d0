//! Files made to break, leak or hang: the sandbox answers each with a result or a typed refusal.
//!
//! What must hold for every one of them is checked in [`Trap::spring`]: the program goes on, nobody
//! connects to the canary, no byte of the planted secret comes out, and the wall clock was not needed.

mod common;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{Numbers, body_of, boxed, clip, clip_with_sound, options, patched, write_clip};
use ffmpeg_next::{Packet, format};
use spotwright_media::{
    Bar, ClipPlan, Fault, Imported, Kind, Lookalike, Piece, Refusal, Sandbox, SandboxError, SoundFacts,
    stitch,
};

const SECRET: &str = "planted-7c1f9a-secret-that-nobody-may-see";

/// A place to open hostile files in: a listener that counts who connects, and a file nobody may read.
struct Trap {
    folder: tempfile::TempDir,
    scratch: PathBuf,
    canary: SocketAddr,
    hits: Arc<AtomicU32>,
}

impl Trap {
    fn set() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let scratch = folder.path().join("scratch");
        std::fs::create_dir(&scratch).expect("folder");
        std::fs::write(folder.path().join("secret.txt"), SECRET).expect("writes");
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let canary = listener.local_addr().expect("an address");
        let hits = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&hits);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if connection.is_ok() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { folder, scratch, canary, hits }
    }

    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret.txt")
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::new(options(&self.scratch))
    }

    /// Probes the file, takes a still and imports it; what came out of the import.
    fn spring(&self, what: &str, bytes: &[u8]) -> Result<Imported, SandboxError> {
        let plan = ClipPlan { hold_frames: 9, ..ClipPlan::new(48, 64, 30, 10) };
        let sandbox = self.sandbox();
        let probed = sandbox.probe(bytes).map(|caged| format!("{:?}", caged.value));
        let still = sandbox.still(bytes, 0, 64).map(|caged| caged.value.png);
        let imported = sandbox.import_clip(bytes, &plan).map(|caged| caged.value);
        for error in
            [probed.as_ref().err(), still.as_ref().err(), imported.as_ref().err()].into_iter().flatten()
        {
            assert!(
                !matches!(
                    error,
                    SandboxError::TimedOut { .. } | SandboxError::Untrusted(_) | SandboxError::Io { .. }
                ),
                "{what}: {error}"
            );
            no_secret(what, error.to_string().as_bytes());
            assert!(!error.code().is_empty() && !error.advice().is_empty());
        }
        no_secret(what, probed.unwrap_or_default().as_bytes());
        no_secret(what, &still.unwrap_or_default());
        if let Ok(imported) = &imported {
            no_secret(what, &std::fs::read(imported.file()).expect("reads"));
            if let Some(sound) = imported.sound_file() {
                no_secret(what, &std::fs::read(sound).expect("reads"));
            }
            for still in &imported.stills {
                no_secret(what, still);
            }
        }
        assert_eq!(self.hits.load(Ordering::SeqCst), 0, "{what}: somebody connected");
        imported
    }

    fn refused(&self, what: &str, bytes: &[u8]) -> Refusal {
        match self.spring(what, bytes) {
            Err(SandboxError::Refused(refusal)) => refusal,
            other => panic!("{what}: {other:?}"),
        }
    }

    fn fault(&self, what: &str, bytes: &[u8]) -> SandboxError {
        match self.spring(what, bytes) {
            Err(error) if !matches!(error, SandboxError::Refused(_)) => error,
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn no_secret(what: &str, bytes: &[u8]) {
    let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    assert!(!found, "{what}: the secret came out");
}

/// An element of Matroska with a length of eight bytes.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u64 | 1 << 56).to_be_bytes();
    [id, &length, body].concat()
}

/// The pictures of a clip in a Matroska file.
fn as_matroska(bytes: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let from = folder.path().join("a.mp4");
    std::fs::write(&from, bytes).expect("writes");
    let mut input = format::input(&from).expect("opens");
    let (track, base) = {
        let stream = input.streams().best(ffmpeg_next::media::Type::Video).expect("a track");
        (stream.index(), f64::from(stream.time_base()))
    };
    let mut cluster = element(b"\xE7", &[0]);
    loop {
        let mut packet = Packet::empty();
        if packet.read(&mut input).is_err() {
            break;
        }
        if packet.stream() == track {
            let milliseconds = (packet.pts().expect("a time") as f64 * base * 1_000.0).round() as i16;
            let key = if packet.is_key() { 0x80 } else { 0 };
            let head = [&[0x81][..], &milliseconds.to_be_bytes(), &[key]].concat();
            let block = [&head, packet.data().expect("data")].concat();
            cluster.extend(element(b"\xA3", &block));
        }
    }
    let at = body_of(bytes, b"avcC");
    let size = u32::from_be_bytes([bytes[at - 8], bytes[at - 7], bytes[at - 6], bytes[at - 5]]) as usize;
    let video = [element(b"\xB0", &[0, 96]), element(b"\xBA", &[0, 160])].concat();
    let entry = [
        element(b"\xD7", &[1]),
        element(b"\x73\xC5", &[1]),
        element(b"\x83", &[1]),
        element(b"\x86", b"V_MPEG4/ISO/AVC"),
        element(b"\x63\xA2", &bytes[at..at - 8 + size]),
        element(b"\xE0", &video),
    ]
    .concat();
    let info = [element(b"\x2A\xD7\xB1", &1_000_000_u32.to_be_bytes()), element(b"\x4D\x80", b"t")].concat();
    let segment = [
        element(b"\x15\x49\xA9\x66", &info),
        element(b"\x16\x54\xAE\x6B", &element(b"\xAE", &entry)),
        element(b"\x1F\x43\xB6\x75", &cluster),
    ]
    .concat();
    let header = [element(b"\x42\x82", b"matroska"), element(b"\x42\x87", &[4]), element(b"\x42\x85", &[2])];
    [element(b"\x1A\x45\xDF\xA3", &header.concat()), element(b"\x18\x53\x80\x67", &segment)].concat()
}

#[test]
fn the_cage_holds_what_it_says_it_holds() {
    let trap = Trap::set();
    let outside = trap.folder.path().join("out.txt");
    let start = Path::new("/bin/true");
    let caged = trap.sandbox().try_escape(&trap.secret(), &outside, trap.canary, start).expect("tries");
    let (escapes, report) = (caged.value, caged.report);
    // Seen with `--no-capture`: which bars this machine's kernel has.
    println!("{report:#?}\n{escapes:#?}");
    if report.files == Bar::Held {
        assert!(!escapes.read_file && !escapes.wrote_file);
        assert!(!outside.exists());
    }
    if report.network == Bar::Held {
        assert!(!escapes.connected);
        assert_eq!(trap.hits.load(Ordering::SeqCst), 0);
    }
    if report.system_calls == Bar::Held {
        assert!(!escapes.started_program && !escapes.started_thread);
    }
    assert!(escapes.none() || !report.is_whole());
    // Asking for the whole cage is answered by it, or by a refusal that names what is missing.
    let mut strict = options(&trap.scratch);
    strict.cage.whole = true;
    match Sandbox::new(strict).probe(&clip(64, 64, 30, 5)) {
        Ok(caged) => assert!(caged.report.is_whole()),
        Err(SandboxError::Fault(Fault::Cage { missing })) => assert!(!missing.is_empty()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn playlists_manifests_and_lists_are_refused_whatever_their_name() {
    let trap = Trap::set();
    let (secret, canary) = (trap.secret().display().to_string(), trap.canary);
    let cases = [
        (Lookalike::M3u8, format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{canary}/a.ts\n")),
        (Lookalike::M3u8, format!("#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")),
        (
            Lookalike::M3u8,
            format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://{canary}/k\"\n#EXTINF:1,\na\n"),
        ),
        (Lookalike::Concat, format!("ffconcat version 1.0\nfile 'file://{secret}'\n")),
        (Lookalike::Concat, format!("file '{secret}'\nfile 'http://{canary}/x.mp4'\n")),
        (
            Lookalike::Dash,
            format!(
                "<?xml version=\"1.0\"?>\n<MPD><Period><BaseURL>http://{canary}/</BaseURL></Period></MPD>"
            ),
        ),
        (Lookalike::Html, format!("<!DOCTYPE html><video src=\"http://{canary}/\">")),
        (Lookalike::Svg, format!("<svg xmlns:xlink=\"x\"><image xlink:href=\"file://{secret}\"/></svg>")),
        (Lookalike::Playlist, format!("v=0\r\no=- 0 0 IN IP4 {canary}\r\nm=video 9 RTP/AVP 96\r\n")),
        (Lookalike::Playlist, format!("[playlist]\nFile1=http://{canary}/\n")),
        (Lookalike::Xml, format!("<!DOCTYPE a [<!ENTITY b SYSTEM \"file://{secret}\">]><a>&b;</a>")),
    ];
    for (like, text) in cases {
        let refusal = trap.refused(&text, text.as_bytes());
        assert_eq!(refusal, Refusal::NotMedia { looks_like: Some(like) }, "{text}");
        // The same under a name that promises a clip.
        let path = trap.folder.path().join("clip.mp4");
        std::fs::write(&path, &text).expect("writes");
        let by_path = trap.sandbox().probe(path.as_path()).expect_err("refused");
        assert!(matches!(by_path, SandboxError::Refused(Refusal::NotMedia { .. })));
    }
    // A tag in front does not make a playlist sound.
    let tagged = [&b"ID3\x04\0\0\0\0\0\0"[..], format!("#EXTM3U\nhttp://{canary}/\n").as_bytes()].concat();
    assert!(matches!(trap.refused("a tagged playlist", &tagged), Refusal::NotMedia { .. }));
}

#[test]
fn references_out_of_the_file_are_refused() {
    let trap = Trap::set();
    let good = clip(64, 64, 30, 12);
    assert_eq!(good[body_of(&good, b"url ")..][..4], [0, 0, 0, 1]);
    let foreign = patched(&good, b"url ", 0, &[0, 0, 0, 0]);
    assert_eq!(trap.refused("url", &foreign), Refusal::ExternalReference { kind: Kind::Mp4 });
    // An alias record with a path, as QuickTime writes it, in the place of the entry.
    let alias = patched(&foreign, b"dref", 8, b"\0\0\0\x0Calis");
    assert_eq!(trap.refused("alis", &alias), Refusal::ExternalReference { kind: Kind::Mp4 });
    let link = format!("file://{}\0", trap.secret().display());
    let movie = boxed(b"moov", &boxed(b"rmra", &boxed(b"rmda", &boxed(b"rdrf", link.as_bytes()))));
    let file = [boxed(b"ftyp", b"qt  \0\0\0\0qt  "), movie, boxed(b"mdat", &[0; 8])].concat();
    assert_eq!(trap.refused("rmra", &file), Refusal::ExternalReference { kind: Kind::QuickTime });
}

#[test]
fn files_of_two_formats_are_refused() {
    let trap = Trap::set();
    let good = clip(64, 64, 30, 12);
    let page = b"<html><script src=\"http://127.0.0.1/x.js\"></script></html>".to_vec();
    let still = trap.sandbox().still(&good, 0, 64).expect("a still").value.png;
    let mut archive = b"PK\x03\x04\x14\0\0\0\0\0".to_vec();
    let directory = [&b"PK\x01\x02"[..], &[0; 42]].concat();
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2E\0\0\0\x0A\0\0\0\0\0");
    for (what, bytes) in [
        ("page + movie", [page.clone(), good.clone()].concat()),
        ("movie + page", [good.clone(), page.clone()].concat()),
        ("movie with a page in it", [&good[..32], &boxed(b"free", &page), &good[32..]].concat()),
        ("archive + movie", [archive.clone(), good.clone()].concat()),
        ("movie + archive", [good.clone(), archive.clone()].concat()),
        ("movie with an archive in it", [good.clone(), boxed(b"free", &archive)].concat()),
        ("picture + movie", [still.clone(), good.clone()].concat()),
        ("movie + picture", [good.clone(), still].concat()),
        ("movie + movie", [good.clone(), good.clone()].concat()),
        ("document in a movie", [&good[..32], &boxed(b"free", b"%PDF-1.7\n1 0 obj"), &good[32..]].concat()),
        ("movie + playlist", [good.clone(), b"#EXTM3U\nhttp://127.0.0.1/\n".to_vec()].concat()),
        ("spaces + movie", [b"        ".to_vec(), good.clone()].concat()),
    ] {
        let refusal = trap.refused(what, &bytes);
        assert!(
            matches!(refusal, Refusal::Polyglot { .. } | Refusal::NotMedia { .. }),
            "{what}: {refusal:?}"
        );
    }
}

#[test]
fn bombs_are_refused_or_stay_small() {
    let trap = Trap::set();
    // A few bytes that claim 60,000 pixels a side.
    let mut header = b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR\0\0\xEA\x60\0\0\xEA\x60\x08\x02\0\0\0".to_vec();
    header.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0, 0, 0, 0]);
    assert!(matches!(trap.refused("a huge PNG", &header), Refusal::TooLarge(_)));
    let gif = b"GIF89a\x60\xEA\x60\xEA\0\0\0\x2C\0\0\0\0\x60\xEA\x60\xEA\0\x02\x01\0\0\x3B";
    assert!(matches!(trap.refused("a huge GIF", gif), Refusal::TooLarge(_)));
    let jpeg = b"\xFF\xD8\xFF\xC0\0\x0B\x08\xEA\x60\xEA\x60\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\x11\xFF\xD9";
    assert!(matches!(trap.refused("a huge JPEG", jpeg), Refusal::TooLarge(_)));
    let webp = b"RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x5F\xEA\0\x5F\xEA\0";
    assert!(matches!(trap.refused("a huge WebP", webp), Refusal::TooLarge(_)));
    // The largest picture that is taken, as a few kilobytes.
    let mut flat = Vec::new();
    let mut encoder = png::Encoder::new(&mut flat, 4_096, 4_096);
    encoder.set_color(png::ColorType::Rgb);
    let words = "a".repeat(64 << 20);
    encoder.add_ztxt_chunk("Comment".to_owned(), words).expect("adds");
    let mut writer = encoder.write_header().expect("writes");
    writer.write_image_data(&vec![0; 4_096 * 4_096 * 3]).expect("writes");
    writer.finish().expect("writes");
    drop(trap.spring("a flat picture", &flat));
    // Headers that say less than the stream holds, and more.
    let good = clip(64, 64, 30, 12);
    let entry = body_of(&good, b"stsd") + 16 + 24;
    let mut huge = good.clone();
    huge[entry..entry + 4].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    assert!(matches!(trap.refused("a huge movie", &huge), Refusal::TooLarge(_)));
    let mut wide = clip(4_112, 16, 30, 4);
    let entry = body_of(&wide, b"stsd") + 16 + 24;
    wide[entry..entry + 4].copy_from_slice(&[0, 64, 0, 64]);
    assert!(matches!(trap.fault("a movie that lies", &wide), SandboxError::Fault(Fault::TooLarge(_))));
    let frames = body_of(&good, b"stts") + 8;
    let mut long = good.clone();
    long[frames..frames + 4].copy_from_slice(&1_000_000_u32.to_be_bytes());
    assert!(matches!(trap.refused("a million frames", &long), Refusal::TooLarge(_)));
    let samples = body_of(&good, b"stsz") + 8;
    long.copy_from_slice(&good);
    long[samples..samples + 4].copy_from_slice(&1_000_000_u32.to_be_bytes());
    trap.fault("a million samples", &long);
}

#[test]
fn cut_files_are_refused() {
    let trap = Trap::set();
    for (what, whole) in [("mp4", clip_with_sound(20, 0.3)), ("mkv", as_matroska(&clip_with_sound(20, 0.3)))]
    {
        trap.spring(what, &whole).expect("the whole file is taken");
        for part in 0..20 {
            let length = whole.len() * part / 20;
            assert!(
                trap.spring(what, &whole[..length]).is_err(),
                "{what}: {length} of {} bytes",
                whole.len()
            );
        }
        assert!(trap.spring(what, &whole[..whole.len() - 1]).is_err());
    }
}

#[test]
fn flipped_bytes_never_break_the_program() {
    let trap = Trap::set();
    let movie = clip_with_sound(12, 0.3);
    let still = trap.sandbox().still(&movie, 0, 64).expect("a still").value.png;
    let matroska = as_matroska(&movie);
    let plan = ClipPlan { hold_frames: 9, ..ClipPlan::new(48, 64, 30, 10) };
    let mut outcomes = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..300_u64 {
        let mut numbers = Numbers(seed);
        let mut bytes = [&movie, &matroska, &movie, &still][(seed % 4) as usize].clone();
        // Every other movie is hit in its data only, which the structure does not show.
        let from = if seed % 4 == 2 { body_of(&bytes, b"mdat") } else { 16 };
        for _ in 0..=numbers.below(24) {
            let at = from + numbers.below(bytes.len() - from);
            bytes[at] = numbers.next() as u8;
        }
        let code = match trap.sandbox().import_clip(&bytes, &plan) {
            Ok(_) => "taken",
            Err(error) => {
                assert!(
                    !matches!(
                        error,
                        SandboxError::TimedOut { .. } | SandboxError::Io { .. } | SandboxError::Untrusted(_)
                    ),
                    "seed {seed}: {error}"
                );
                error.code()
            }
        };
        *outcomes.entry(code).or_default() += 1;
    }
    println!("{outcomes:?}");
    assert_eq!(trap.hits.load(Ordering::SeqCst), 0);
    // The seeds reach the decoders and not only the look at the structure.
    assert!(outcomes.get("media_damaged").is_some_and(|count| *count >= 20), "{outcomes:?}");
}

#[test]
fn nothing_of_the_metadata_survives() {
    let trap = Trap::set();
    let folder = trap.folder.path();
    write_clip(&folder.join("v.mp4"), 64, 64, 30, 12);
    let giant = format!("giant-{}", "x".repeat(1 << 20));
    let piece = Piece { file: &folder.join("v.mp4"), frames: 12 };
    let marks = ["giant-", "mark-escape", "mark-label", "mark-brand", "mark-key"];
    let keys: [(&str, &str); 6] = [
        ("comment", &giant),
        ("title", "\u{1b}]0;mark-escape\u{7}\r\n\u{202e}"),
        ("AIGC", "{\"Label\":\"mark-label\"}"),
        ("com.apple.quicktime.make", "mark-brand"),
        ("mark-key\u{1}\u{2}", "../../../etc/passwd"),
        ("location", "+90.0000-180.0000/"),
    ];
    stitch(&folder.join("m.mp4"), &[piece], 30, None, &keys).expect("joins");
    let bytes = std::fs::read(folder.join("m.mp4")).expect("reads");
    let has = |bytes: &[u8], mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    assert!(marks.iter().all(|mark| has(&bytes, mark)), "the marks are in the source");
    let imported = trap.spring("metadata", &bytes).expect("imports");
    let made = std::fs::read(imported.file()).expect("reads");
    assert!(marks.iter().all(|mark| !has(&made, mark)));
    let probed = trap.sandbox().probe(&bytes).expect("probes").value;
    assert!(marks.iter().all(|mark| !format!("{probed:?}").contains(mark)));
}

#[test]
fn times_that_cannot_be_are_answered() {
    let trap = Trap::set();
    let good = clip(64, 64, 30, 12);
    let at = |name: &[u8; 4], offset: usize, with: &[u8]| patched(&good, name, offset, with);
    for (what, bytes) in [
        ("no clock", at(b"mdhd", 12, &[0; 4])),
        ("no length", at(b"mdhd", 16, &[0; 4])),
        ("no movie length", at(b"mvhd", 16, &[0; 4])),
        ("the longest length", at(b"mvhd", 16, &[0xFF; 4])),
        ("no time between pictures", at(b"stts", 12, &[0; 4])),
        ("time that goes back", at(b"stts", 12, &[0xFF; 4])),
        ("a step of 2^31", at(b"stts", 12, &[0x7F, 0xFF, 0xFF, 0xFF])),
        ("begins before zero", at(b"elst", 12, &[0xFF, 0xFF, 0x00, 0x00])),
        ("begins after the end", at(b"elst", 12, &[0x7F, 0xFF, 0xFF, 0xFF])),
        ("an empty edit", at(b"elst", 12, &[0xFF; 4])),
    ] {
        // Taken or refused: the promise is an answer.
        let _ = trap.spring(what, &bytes);
    }
}

#[test]
fn files_without_pictures_to_begin_with_are_faults() {
    let trap = Trap::set();
    let mut wav =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0data".to_vec();
    let samples: Vec<u8> =
        (0..8_000_i32).flat_map(|i| ((f64::from(i) * 0.3).sin() * 9_000.0).round().to_le_i16()).collect();
    wav.extend_from_slice(&(samples.len() as u32).to_le_bytes());
    wav.extend_from_slice(&samples);
    let size = wav.len() as u32 - 8;
    wav[4..8].copy_from_slice(&size.to_le_bytes());
    assert!(matches!(trap.fault("sound only", &wav), SandboxError::Fault(Fault::NoVideo)));
    let probed = trap.sandbox().probe(&wav).expect("probes").value;
    let sound = probed.sound.expect("sound");
    assert_eq!((probed.kind, sound.rate, sound.channels, sound.seconds), (Kind::Wav, 8_000, 1, 1.0));
    // Every key picture relabelled as one that needs another.
    let mut good = clip(64, 64, 30, 24);
    let (mut at, end) = (body_of(&good, b"mdat"), good.len());
    let mut keys = 0;
    while at + 5 < end {
        let length = u32::from_be_bytes([good[at], good[at + 1], good[at + 2], good[at + 3]]) as usize;
        if good[at + 4] & 31 == 5 {
            good[at + 4] = good[at + 4] & !31 | 1;
            keys += 1;
        }
        at += 4 + length;
    }
    assert!(keys > 0);
    trap.fault("no key picture", &good);
}

trait Sample16 {
    fn to_le_i16(self) -> [u8; 2];
}

impl Sample16 for f64 {
    fn to_le_i16(self) -> [u8; 2] {
        (self as i16).to_le_bytes()
    }
}

#[test]
fn endless_work_is_ended_by_each_bound() {
    let trap = Trap::set();
    let source = clip(64, 64, 30, 5);
    // A few kilobytes that become hours of encoding.
    let endless = ClipPlan { hold_frames: 72_000, ..ClipPlan::new(4_096, 4_096, 30, 72_000) };
    let mut clock = options(&trap.scratch);
    clock.wall_clock = Duration::from_millis(1);
    match Sandbox::new(clock).import_clip(&source, &endless) {
        Err(SandboxError::TimedOut { .. }) => {}
        other => panic!("{other:?}"),
    }
    let mut processor = options(&trap.scratch);
    processor.cage.cpu_seconds = 1;
    match Sandbox::new(processor).import_clip(&source, &endless) {
        Err(SandboxError::OverLimit { resource: "processor time" }) => {}
        other => panic!("{other:?}"),
    }
    let mut disk = options(&trap.scratch);
    disk.cage.file_bytes = 4_096;
    let some = ClipPlan::new(640, 640, 30, 5);
    match Sandbox::new(disk).import_clip(&source, &some) {
        Err(SandboxError::OverLimit { resource: "file size" }) => {}
        other => panic!("{other:?}"),
    }
    let mut memory = options(&trap.scratch);
    memory.cage.memory_bytes = 96 << 20;
    let wide = ClipPlan::new(4_096, 4_096, 30, 5);
    assert!(Sandbox::new(memory).import_clip(&source, &wide).is_err());
    assert_eq!(std::fs::read_dir(&trap.scratch).expect("reads").count(), 0, "scratch folders are gone");
}

/// A program that takes the worker's place, as one that a file has taken over would behave.
fn taken_over(trap: &Trap, script: &str) -> Sandbox {
    let program = trap.folder.path().join("worker.sh");
    let mut file = std::fs::File::create(&program).expect("creates");
    let head = "#!/bin/sh\nPATH=/usr/bin:/bin\nfolder=$(echo \"$2\" | sed 's/.*\"folder\":\"\\([^\"]*\\)\".*/\\1/')\n";
    file.write_all(format!("{head}{script}\n").as_bytes()).expect("writes");
    file.set_permissions(std::fs::Permissions::from_mode(0o755)).expect("sets");
    drop(file);
    let mut options = options(&trap.scratch);
    options.program = program;
    Sandbox::new(options)
}

const HELD: &str = r#"{"files":{"state":"held"},"network":{"state":"held"},"system_calls":{"state":"held"},"limits":{"state":"held"},"process":{"state":"held"},"inherited_files":0}"#;

#[test]
fn a_worker_that_was_taken_over_gains_nothing() {
    let trap = Trap::set();
    let source = clip(64, 64, 30, 12);
    let plan = ClipPlan::new(64, 64, 30, 12);
    let secret = trap.secret().display().to_string();
    let color = r#"{"matrix":"bt709","full_range":false,"guessed":false}"#;
    let facts = format!(
        r#"{{"frames":12,"held_frames":0,"source_frames":12,"mean_luma":1.0,"black_frames":0,"frozen_frames":0,"color":{color}}}"#
    );
    let answer = format!(
        r#"echo '{{"report":{HELD},"outcome":{{"Ok":{{"imported":{{"facts":{facts},"sound":{{"state":"absent"}}}}}}}}}}'"#
    );
    let real = trap.folder.path().join("real.mp4");
    std::fs::write(&real, &source).expect("writes");
    let copy = format!("cp '{}' \"$folder/clip.mp4\"", real.display());
    let png = "for n in first middle last; do : > \"$folder/$n.png\"; done";
    // The stand-in itself works.
    let honest = taken_over(&trap, &format!("{copy}\n{png}\n{answer}")).import_clip(&source, &plan);
    assert_eq!(honest.expect("imports").value.sound, SoundFacts::Absent);
    let link = format!("ln -s '{secret}' \"$folder/last.png\"");
    for (what, script) in [
        ("a link as a clip", format!("ln -s '{secret}' \"$folder/clip.mp4\"\n{png}\n{answer}")),
        ("a link as a still", format!("{copy}\n{png}\nrm \"$folder/last.png\"\n{link}\n{answer}")),
        ("a pipe as a clip", format!("mkfifo \"$folder/clip.mp4\"\n{png}\n{answer}")),
        ("another clip", format!("cp '{secret}' \"$folder/clip.mp4\"\n{png}\n{answer}")),
        ("nothing", answer),
        ("no answer", "exit 0".to_owned()),
        ("half an answer", "echo '{\"report\":'".to_owned()),
        (
            "an endless answer",
            "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done".to_owned(),
        ),
        ("endless words", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2 || exit 9; done".to_owned()),
        ("a crash", "kill -SEGV $$".to_owned()),
        ("words", format!("cat '{secret}' | tr a-z A-Z >&2; exit 7")),
    ] {
        match taken_over(&trap, &script).import_clip(&source, &plan) {
            Ok(_) => panic!("{what}: was believed"),
            Err(error) => no_secret(what, error.to_string().as_bytes()),
        }
    }
}

#[test]
fn what_a_worker_started_ends_with_it() {
    let trap = Trap::set();
    let note = trap.folder.path().join("pid");
    // Long enough to write the note, however busy the machine is; the script never ends by itself.
    let script = format!("sleep 1000 &\necho $$ > '{0}.new'; mv '{0}.new' '{0}'\nwait", note.display());
    drop(taken_over(&trap, &script));
    let mut seconds = 1;
    let group = loop {
        let mut options = options(&trap.scratch);
        options.program = trap.folder.path().join("worker.sh");
        options.wall_clock = Duration::from_secs(seconds);
        let outcome = Sandbox::new(options).probe(&clip(64, 64, 30, 5));
        assert!(matches!(outcome, Err(SandboxError::TimedOut { .. })));
        if let Ok(text) = std::fs::read_to_string(&note) {
            break text.trim().parse::<i32>().expect("a number");
        }
        seconds *= 2;
    };
    let group = rustix::process::Pid::from_raw(group).expect("a group");
    // Whoever inherits the dead collects them in its own time.
    while rustix::process::test_kill_process_group(group).is_ok() && has_living(group) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process of the group is more than a name in the table.
fn has_living(group: rustix::process::Pid) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.flatten().any(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.first().is_some_and(|state| *state != "Z")
            && fields.get(2).and_then(|text| text.parse::<i32>().ok()) == Some(group.as_raw_nonzero().get())
    })
}
