//! Hostile files, made by code, and what they are after: a listener that nobody may reach, and a file that
//! nobody may read.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const SECRET: &str = "planted-51d0e7-secret-that-nobody-may-see";
/// Stands in crafted metadata and in what is hidden behind pictures and clips.
const MARK: &str = "mark-a94c-of-the-file";

/// A hostile file.
pub(crate) struct Hostile {
    /// What it is.
    pub(crate) what: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether it may be taken, because what is hostile of it does not survive.
    pub(crate) may_pass: bool,
}

fn refused(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Hostile {
    Hostile { what: what.into(), bytes: bytes.into(), may_pass: false }
}

fn cleaned(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Hostile {
    Hostile { what: what.into(), bytes: bytes.into(), may_pass: true }
}

/// A canary that counts who connects, and a planted secret.
pub(crate) struct Trap {
    pub(crate) folder: tempfile::TempDir,
    canary: SocketAddr,
    hits: Arc<AtomicU32>,
}

impl Trap {
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("secret.txt"), SECRET).expect("writes");
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let canary = listener.local_addr().expect("an address");
        let hits = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&hits);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                counted.fetch_add(u32::from(connection.is_ok()), Ordering::SeqCst);
            }
        });
        let trap = Self { folder, canary, hits };
        trap.works();
        trap
    }

    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret.txt")
    }

    /// Whether the trap can be sprung: a file that is opened is seen, and a connection is counted.
    fn works(&self) {
        assert!(std::fs::read(self.secret()).expect("reads") == SECRET.as_bytes());
        drop(std::net::TcpStream::connect(self.canary).expect("connects"));
        while self.hits.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        self.hits.store(0, Ordering::SeqCst);
    }

    /// Nobody connected so far.
    #[track_caller]
    pub(crate) fn nobody_came(&self) {
        assert_eq!(self.hits.load(Ordering::SeqCst), 0, "somebody connected");
    }

    /// Neither the secret nor anything of a file's metadata is in these bytes.
    #[track_caller]
    pub(crate) fn is_clean(what: &str, bytes: &[u8]) {
        for mark in [SECRET, MARK, "<script"] {
            assert!(!holds(bytes, mark), "{what}: `{mark}` came out");
        }
    }

    /// Texts that make a reader open other files or addresses.
    fn lists(&self) -> Vec<Hostile> {
        let (secret, canary) = (self.secret().display().to_string(), self.canary);
        vec![
            refused(
                "HLS over HTTP",
                format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{canary}/a.ts\n"),
            ),
            refused("HLS of a file", format!("#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")),
            refused(
                "HLS with a key",
                format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://{canary}/k\"\n#EXTINF:1,\na\n"),
            ),
            refused("concat", format!("ffconcat version 1.0\nfile 'file://{secret}'\n")),
            refused("concat without a head", format!("file '{secret}'\nfile 'http://{canary}/x.mp4'\n")),
            refused(
                "DASH",
                format!(
                    "<?xml version=\"1.0\"?>\n<MPD><Period><BaseURL>http://{canary}/</BaseURL></Period></MPD>"
                ),
            ),
            refused(
                "EDL",
                format!(
                    "TITLE: AD\n001  AX  V  C  00:00:00:00 00:00:01:00\n* FROM CLIP NAME: file://{secret}\n* SOURCE FILE: http://{canary}/\n"
                ),
            ),
            refused("EDL of a player", format!("# mpv EDL v0\n{secret},0,1\nhttp://{canary}/x.mp4,0,1\n")),
            refused("SDP", format!("v=0\r\no=- 0 0 IN IP4 {canary}\r\nm=video 9 RTP/AVP 96\r\n")),
            refused("PLS", format!("[playlist]\nFile1=http://{canary}/\n")),
            refused("HTML", format!("<!DOCTYPE html><script src=\"http://{canary}/\"></script>")),
            refused(
                "SVG",
                format!(
                    "<svg xmlns:xlink=\"x\"><image xlink:href=\"file://{secret}\"/><image xlink:href=\"http://{canary}/\"/></svg>"
                ),
            ),
            refused(
                "XML with an entity",
                format!("<!DOCTYPE a [<!ENTITY b SYSTEM \"file://{secret}\">]><a>&b;</a>"),
            ),
            refused("PostScript", format!("%!PS\n({secret}) (r) file\n")),
            refused("MVG", format!("push graphic-context\nimage over 0,0 0,0 'http://{canary}/'\n")),
            refused("nothing", Vec::new()),
            refused("zeros", vec![0; 4_096]),
        ]
    }

    /// Files in the place of a clip; `good` is an MP4 that is taken.
    pub(crate) fn clips(&self, good: &[u8], picture: &[u8]) -> Vec<Hostile> {
        let mut files = self.lists();
        let page = format!("<html><script src=\"http://{}/x.js\"></script>{MARK}</html>", self.canary);
        let list = format!("#EXTM3U\nhttp://{}/\n", self.canary);
        let link = format!("file://{}\0", self.secret().display());
        let movie = boxed(b"moov", &boxed(b"rmra", &boxed(b"rmda", &boxed(b"rdrf", link.as_bytes()))));
        let mut elsewhere = good.to_vec();
        let at = body_of(good, b"url ");
        elsewhere[at..at + 4].copy_from_slice(&[0; 4]);
        let mut huge = good.to_vec();
        let entry = body_of(good, b"stsd") + 16 + 24;
        huge[entry..entry + 4].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
        let mut long = good.to_vec();
        let count = body_of(good, b"stts") + 8;
        long[count..count + 4].copy_from_slice(&1_000_000_u32.to_be_bytes());
        let mut hurt = good.to_vec();
        let data = body_of(good, b"mdat");
        let middle = usize::midpoint(data, good.len());
        for (idx, byte) in hurt[data..middle].iter_mut().enumerate() {
            *byte ^= (idx % 251) as u8;
        }
        files.extend([
            refused("a tagged playlist", [&b"ID3\x04\0\0\0\0\0\0"[..], list.as_bytes()].concat()),
            refused(
                "a movie of references",
                [boxed(b"ftyp", b"qt  \0\0\0\0qt  "), movie, boxed(b"mdat", &[0; 8])].concat(),
            ),
            refused("data elsewhere", elsewhere),
            refused("page + movie", [page.as_bytes(), good].concat()),
            refused("movie + page", [good, page.as_bytes()].concat()),
            refused("movie + playlist", [good, list.as_bytes()].concat()),
            refused("movie + movie", [good, good].concat()),
            refused("picture + movie", [picture, good].concat()),
            refused(
                "movie with a page in it",
                [&good[..32], &boxed(b"free", page.as_bytes()), &good[32..]].concat(),
            ),
            refused("60,000 pixels", huge),
            refused("a million frames", long),
            refused("the first half", &good[..good.len() / 2]),
            refused("all but a byte", &good[..good.len() - 1]),
            refused("the first bytes", &good[..16]),
            refused("broken data", hurt),
            refused("a picture", picture),
        ]);
        files
    }

    /// Files in the place of a picture; `good` is a PNG that is taken.
    pub(crate) fn pictures(&self, good: &[u8], clip: &[u8]) -> Vec<Hostile> {
        let mut files = self.lists();
        let page = format!("<html><script src=\"http://{}/x.js\"></script>{MARK}</html>", self.canary);
        let note = format!("Comment\0{MARK} file://{} <script>", self.secret().display());
        let noted = [&good[..33], &chunk(b"tEXt", note.as_bytes()), &good[33..]].concat();
        let mut archive = b"PK\x03\x04".to_vec();
        archive.extend_from_slice(MARK.as_bytes());
        archive.extend_from_slice(&[&b"PK\x01\x02"[..], &[0; 42]].concat());
        archive.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2E\0\0\0\x0A\0\0\0\0\0");
        let mut claims = good.to_vec();
        claims[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let mut hurt = good.to_vec();
        let middle = good.len() / 2;
        hurt[middle..middle + 8].copy_from_slice(&[0xA5; 8]);
        files.extend([
            refused("a huge PNG", claims),
            refused(
                "a huge JPEG",
                &b"\xFF\xD8\xFF\xC0\0\x0B\x08\xEA\x60\xEA\x60\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\x11\xFF\xD9"[..],
            ),
            refused("a huge WebP", &b"RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x5F\xEA\0\x5F\xEA\0"[..]),
            refused("a huge GIF", &b"GIF89a\x60\xEA\x60\xEA\0\0\0\x2C\0\0\0\0\x60\xEA\x60\xEA\0\x02\x01\0\0\x3B"[..]),
            refused("a TIFF", &b"II*\0\x08\0\0\0\0\0\0\0\0\0"[..]),
            refused("half a picture", &good[..good.len() / 2]),
            refused("the first bytes", &good[..20]),
            refused("broken data", hurt),
            refused("page + picture", [page.as_bytes(), good].concat()),
            refused("a clip", clip),
            cleaned("picture + page", [good, page.as_bytes()].concat()),
            cleaned("picture + archive", [good, &archive].concat()),
            cleaned("picture + clip", [good, clip].concat()),
            cleaned("a picture with notes", noted),
        ]);
        files
    }
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

fn body_of(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == name).expect("a box of this name") + 4
}

/// A chunk of a PNG with its checksum (PNG third edition, 5.3 and annex D).
fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    let mut crc = u32::MAX;
    for byte in &named {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    [&(body.len() as u32).to_be_bytes()[..], &named, &(!crc).to_be_bytes()].concat()
}
