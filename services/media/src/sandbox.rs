//! The parent's side of the sandbox: starts the caged child, hands it one file, waits with a clock, and
//! takes what it left.
//!
//! The child is not trusted: its answer is bounded and parsed strictly, the files that it left are opened
//! only when they are ordinary files (a link would make the parent read what the link names), and it is
//! killed with its whole process group when the wall clock runs out or the parent is done with it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::Limits;
use crate::plan::{ClipFacts, ClipPlan, Escapes, Probe, SandboxReport, SoundFacts};
use crate::protocol::{Answer, CLIP, Cage, Done, Request, SOUND, STILL, STILLS, Task};
use crate::sniff::{Kind, Refusal, Sniffed, sniff};
use crate::worker::ARGUMENT;

mod error;

pub use error::{REASONS, Reason, SandboxError};

/// Bytes of an answer; the longest has a few hundred.
const ANSWER_BYTES: u64 = 64 << 10;
/// Bytes that are kept of what a crashed child said.
const WORDS_BYTES: u64 = 2 << 10;
/// Bytes of a picture that the child left.
const STILL_BYTES: u64 = 128 << 20;
/// How often and how long a child that has answered is given to end.
const ENDINGS: (u32, Duration) = (200, Duration::from_millis(10));

/// How the sandbox works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Executable whose `main` begins with [`crate::worker::run_if_asked`]; the running program's own, in
    /// general.
    pub program: PathBuf,
    /// Folder in which private scratch folders are made; must be on a disk with room for a clip.
    pub scratch: PathBuf,
    /// Bounds of what is taken.
    pub limits: Limits,
    /// Bounds of the child's resources.
    pub cage: Cage,
    /// Longest time a child may run.
    pub wall_clock: Duration,
    /// Environment of the child, which inherits nothing: keys of services must not lie beside foreign
    /// bytes.
    pub environment: Vec<(OsString, OsString)>,
}

impl Options {
    /// Default limits, default cage and 55 seconds.
    #[must_use]
    pub fn new(program: PathBuf, scratch: PathBuf) -> Self {
        Self {
            program,
            scratch,
            limits: Limits::default(),
            cage: Cage::default(),
            wall_clock: Duration::from_secs(55),
            environment: Vec::new(),
        }
    }
}

/// A foreign file: its bytes, or where they lie.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The bytes.
    Bytes(&'a [u8]),
    /// A local file; opened once, so that it cannot be exchanged between the looks at it.
    Path(&'a Path),
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Path(path)
    }
}

/// What came out of the sandbox, with the state of the cage it was made in.
#[derive(Debug)]
pub struct Caged<T> {
    /// The result.
    pub value: T,
    /// Which bars held.
    pub report: SandboxReport,
}

/// One picture of a foreign file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// PNG, RGB, 8 bits.
    pub png: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The answer of a [`Job`](crate::worker::Job), and the files that it left, which vanish when this is dropped.
#[derive(Debug)]
pub struct Answered<A> {
    /// The answer; of a child that is not trusted.
    pub answer: A,
    folder: tempfile::TempDir,
}

impl<A> Answered<A> {
    /// A file that the job left, of at most `most` bytes.
    ///
    /// # Errors
    /// [`SandboxError::Untrusted`] for what is no file or is larger, [`SandboxError::Io`].
    pub fn left(&self, name: &str, most: u64) -> Result<Vec<u8>, SandboxError> {
        read_left(&self.folder.path().join(name), most)
    }
}

/// A clip of ours made from a foreign one. Its files vanish when it is dropped: copy or move them before.
pub struct Imported {
    folder: tempfile::TempDir,
    /// BLAKE3 of the clip's bytes, hexadecimal; what [`crate::ClipReader::open`] asks for.
    pub hash: String,
    /// Kind of the foreign file.
    pub kind: Kind,
    /// What is known of the pictures.
    pub facts: ClipFacts,
    /// What became of the sound.
    pub sound: SoundFacts,
    /// First, middle and last picture as PNG.
    pub stills: [Vec<u8>; 3],
}

impl std::fmt::Debug for Imported {
    /// Without the bytes of the stills.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imported")
            .field("file", &self.file())
            .field("hash", &self.hash)
            .field("kind", &self.kind)
            .field("facts", &self.facts)
            .field("sound", &self.sound)
            .finish_non_exhaustive()
    }
}

impl Imported {
    /// The pictures: H.264 in MP4, BT.709 limited range, closed groups of pictures, no sound.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(CLIP)
    }

    /// The sound as a WAV file, stereo, 16 bits, exactly as long as the pictures; `None` where the facts
    /// name no samples.
    #[must_use]
    pub fn sound_file(&self) -> Option<PathBuf> {
        match self.sound {
            SoundFacts::Unmeasured { .. } | SoundFacts::Normalized { .. } => {
                Some(self.folder.path().join(SOUND))
            }
            SoundFacts::Unwanted | SoundFacts::Absent | SoundFacts::Silent => None,
        }
    }
}

/// Decodes foreign files in caged child processes, one process for each call.
///
/// Calls block the thread for as long as the child runs; asynchronous callers use a blocking thread. They
/// may run at the same time. This and [`sniff`] are the only ways for foreign bytes into this crate:
/// [`crate::decode`], [`crate::stitch`] and [`crate::ClipReader`] are for files of our own making.
#[derive(Debug, Clone)]
pub struct Sandbox {
    options: Options,
}

impl Sandbox {
    /// A sandbox with these options; nothing is started.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Tells what a file holds.
    ///
    /// # Errors
    /// Each of [`SandboxError`].
    pub fn probe<'a>(&self, source: impl Into<Source<'a>>) -> Result<Caged<Probe>, SandboxError> {
        let (file, sniffed) = self.take(source.into())?;
        let folder = self.scratch()?;
        match self.run(&file, folder.path(), Task::Probe { kind: sniffed.kind })? {
            (Done::Probed(value), report) => Ok(Caged { value, report }),
            _ => Err(SandboxError::Untrusted("it answered another question")),
        }
    }

    /// Picture `number` (from 0, in the order of showing), turned as the file says, its longer side at most
    /// `side_px` pixels. Transparency is dropped.
    ///
    /// # Errors
    /// Each of [`SandboxError`]; [`TooShort`](crate::Fault::TooShort) where the file has fewer pictures.
    pub fn still<'a>(
        &self,
        source: impl Into<Source<'a>>,
        number: u32,
        side_px: u32,
    ) -> Result<Caged<Still>, SandboxError> {
        let (file, sniffed) = self.take(source.into())?;
        let folder = self.scratch()?;
        let task = Task::Still { kind: sniffed.kind, frame: number, side_px };
        match self.run(&file, folder.path(), task)? {
            (Done::Still { width, height }, report) => {
                let png = read_left(&folder.path().join(STILL), STILL_BYTES)?;
                Ok(Caged { value: Still { png, width, height }, report })
            }
            _ => Err(SandboxError::Untrusted("it answered another question")),
        }
    }

    /// Makes a clip of ours: turned, cut about the middle to the plan's aspect, scaled, resampled to the
    /// plan's rate by the nearest time stamp, cut or held to the plan's length, recolored, encoded again;
    /// its sound at the plan's loudness.
    ///
    /// The same file and plan give the same bytes.
    ///
    /// # Errors
    /// Each of [`SandboxError`]; [`TooShort`](crate::Fault::TooShort) where holding the last picture does not reach;
    /// [`Damaged`](crate::Fault::Damaged) where a single picture of the part that is used does not decode.
    pub fn import_clip<'a>(
        &self,
        source: impl Into<Source<'a>>,
        plan: &ClipPlan,
    ) -> Result<Caged<Imported>, SandboxError> {
        let (file, sniffed) = self.take(source.into())?;
        let folder = self.scratch()?;
        let task = Task::Import { kind: sniffed.kind, plan: *plan };
        let (Done::Imported { facts, sound }, report) = self.run(&file, folder.path(), task)? else {
            return Err(SandboxError::Untrusted("it answered another question"));
        };
        if facts.frames != plan.frames {
            return Err(SandboxError::Untrusted("the clip has another length than planned"));
        }
        let mut clip = open_left(&folder.path().join(CLIP), self.options.cage.file_bytes)?;
        let made = sniff(&mut clip, &self.options.limits_of_ours())?;
        if made.kind != Kind::Mp4
            || made.size != Some((plan.width, plan.height))
            || made.frames != Some(u64::from(plan.frames))
        {
            return Err(SandboxError::Untrusted("the clip is not as planned"));
        }
        clip.seek(SeekFrom::Start(0)).map_err(SandboxError::io("read the clip"))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(clip).map_err(SandboxError::io("read the clip"))?;
        let [first, middle, last] = STILLS.map(|name| read_left(&folder.path().join(name), STILL_BYTES));
        let value = Imported {
            hash: hasher.finalize().to_hex().to_string(),
            kind: sniffed.kind,
            facts,
            sound,
            stills: [first?, middle?, last?],
            folder,
        };
        if let Some(sound) = value.sound_file() {
            open_left(&sound, self.options.cage.file_bytes)?;
        }
        Ok(Caged { value, report })
    }

    /// Asks the program's own [`Job`](crate::worker::Job) `name` about a file.
    ///
    /// The file is not sniffed: the job says what it takes, behind every bar.
    ///
    /// # Errors
    /// Each of [`SandboxError`]; [`SandboxError::Untrusted`] where the answer has another form than asked for.
    pub fn ask<'a, A: DeserializeOwned>(
        &self,
        source: impl Into<Source<'a>>,
        name: &str,
        question: &impl Serialize,
    ) -> Result<Caged<Answered<A>>, SandboxError> {
        let question = serde_json::to_value(question)
            .map_err(|error| SandboxError::Io { action: "write the request", source: error.into() })?;
        let file = self.open(source.into())?;
        let folder = self.scratch()?;
        let task = Task::Job { name: name.to_owned(), question };
        let (Done::Answered(answer), report) = self.run(&file, folder.path(), task)? else {
            return Err(SandboxError::Untrusted("it answered another question"));
        };
        let answer = serde_json::from_value(answer)
            .map_err(|_| SandboxError::Untrusted("its answer does not parse"))?;
        Ok(Caged { value: Answered { answer, folder }, report })
    }

    /// Closes a cage and tries to get out of it: to read `read`, write `write`, connect to `connect`, start
    /// `start` and start a thread. For `doctor` and for tests.
    ///
    /// # Errors
    /// [`SandboxError::Io`], [`SandboxError::Crashed`].
    pub fn try_escape(
        &self,
        read: &Path,
        write: &Path,
        connect: SocketAddr,
        start: &Path,
    ) -> Result<Caged<Escapes>, SandboxError> {
        let file =
            tempfile::tempfile_in(&self.options.scratch).map_err(SandboxError::io("make a scratch file"))?;
        let folder = self.scratch()?;
        let task = Task::Escape {
            read: read.to_path_buf(),
            write: write.to_path_buf(),
            connect,
            start: start.to_path_buf(),
        };
        match self.run(&file, folder.path(), task)? {
            (Done::Tried(value), report) => Ok(Caged { value, report }),
            _ => Err(SandboxError::Untrusted("it answered another question")),
        }
    }

    /// Opens or writes down the file, and looks at it.
    fn take(&self, source: Source<'_>) -> Result<(File, Sniffed), SandboxError> {
        let mut file = self.open(source)?;
        let sniffed = sniff(&mut file, &self.options.limits)?;
        Ok((file, sniffed))
    }

    fn open(&self, source: Source<'_>) -> Result<File, SandboxError> {
        let limits = &self.options.limits;
        match source {
            Source::Bytes(bytes) => {
                limits.check_bytes(bytes.len() as u64).map_err(Refusal::from)?;
                let mut file = tempfile::tempfile_in(&self.options.scratch)
                    .map_err(SandboxError::io("make a scratch file"))?;
                file.write_all(bytes).map_err(SandboxError::io("write a scratch file"))?;
                Ok(file)
            }
            Source::Path(path) => {
                let refused = SandboxError::io("open the file");
                // Looked at before it is opened, because opening a pipe waits for somebody to write, and
                // after, because it may have been exchanged.
                let opened =
                    path.metadata().and_then(|named| ordinary(&named)).and_then(|()| File::open(path));
                let opened = opened.and_then(|file| ordinary(&file.metadata()?).map(|()| file));
                opened.map_err(refused)
            }
        }
    }

    fn scratch(&self) -> Result<tempfile::TempDir, SandboxError> {
        tempfile::Builder::new()
            .prefix(".cage-")
            .tempdir_in(&self.options.scratch)
            .map_err(SandboxError::io("make a scratch folder"))
    }

    fn run(&self, file: &File, folder: &Path, task: Task) -> Result<(Done, SandboxReport), SandboxError> {
        let folder = folder.canonicalize().map_err(SandboxError::io("find the scratch folder"))?;
        let request = Request { limits: self.options.limits, cage: self.options.cage, folder, task };
        let request = serde_json::to_string(&request)
            .map_err(|error| SandboxError::Io { action: "write the request", source: error.into() })?;
        let input = file.try_clone().map_err(SandboxError::io("hand the file over"))?;
        let child = Command::new(&self.options.program)
            .arg(ARGUMENT)
            .arg(&request)
            .env_clear()
            .envs(self.options.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::from(input))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(SandboxError::io("start the sandbox"))?;
        let mut running = Running(child);
        let (status, answer, said) = running.wait(self.options.wall_clock)?;
        if !status.success() {
            return Err(how_it_ended(status, &said));
        }
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|_| SandboxError::Untrusted("its answer does not parse"))?;
        Ok((answer.outcome?, answer.report))
    }
}

impl Options {
    /// Bounds for the clip that comes out, which may be larger than what goes in.
    fn limits_of_ours(&self) -> Limits {
        Limits { bytes: self.cage.file_bytes, seconds: u32::MAX, ..self.limits }
    }
}

/// A child that does not outlive the call.
struct Running(Child);

impl Running {
    /// Waits for the answer and the end; bytes of standard output and error.
    fn wait(&mut self, wall_clock: Duration) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), SandboxError> {
        let (tell, told) = mpsc::channel();
        let out = self.0.stdout.take();
        let err = self.0.stderr.take();
        let read = move |pipe: Option<Box<dyn Read + Send>>, most: u64| {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                // What cannot be read is missing from the answer, which then does not parse.
                let _ = pipe.take(most).read_to_end(&mut bytes);
            }
            bytes
        };
        let words = std::thread::Builder::new()
            .name("cage-words".to_owned())
            .spawn(move || read(err.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), WORDS_BYTES))
            .map_err(SandboxError::io("start a thread"))?;
        std::thread::Builder::new()
            .name("cage-answer".to_owned())
            .spawn(move || {
                let bytes = read(out.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), ANSWER_BYTES);
                // The receiver is gone when the wall clock ran out.
                let _ = tell.send(bytes);
            })
            .map_err(SandboxError::io("start a thread"))?;
        let answer = match told.recv_timeout(wall_clock) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                self.kill();
                return Err(SandboxError::TimedOut { seconds: wall_clock.as_secs() });
            }
            Err(RecvTimeoutError::Disconnected) => Vec::new(),
        };
        let status = self.end()?;
        Ok((status, answer, words.join().unwrap_or_default()))
    }

    /// The exit status of a child that closed its output; one that lingers is killed.
    fn end(&mut self) -> Result<ExitStatus, SandboxError> {
        for _ in 0..ENDINGS.0 {
            if let Some(status) = self.0.try_wait().map_err(SandboxError::io("wait for the sandbox"))? {
                return Ok(status);
            }
            std::thread::sleep(ENDINGS.1);
        }
        self.kill();
        self.0.wait().map_err(SandboxError::io("wait for the sandbox"))
    }

    fn kill(&mut self) {
        // It fails only for a child that is gone already.
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.0),
            rustix::process::Signal::KILL,
        );
        let _ = self.0.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            self.kill();
            let _ = self.0.wait();
        }
    }
}

fn how_it_ended(status: ExitStatus, said: &[u8]) -> SandboxError {
    use rustix::process::Signal;
    let printable: String = String::from_utf8_lossy(said)
        .chars()
        .map(|c| if c.is_ascii_graphic() { c } else { ' ' })
        .take(300)
        .collect();
    let said = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    match (status.signal(), status.code()) {
        (Some(signal), _) if signal == Signal::XCPU.as_raw() => {
            SandboxError::OverLimit { resource: "processor time" }
        }
        (Some(signal), _) if signal == Signal::XFSZ.as_raw() => {
            SandboxError::OverLimit { resource: "file size" }
        }
        (Some(signal), _) => SandboxError::Crashed { how: format!("signal {signal}"), said },
        (None, code) => {
            SandboxError::Crashed { how: format!("exit code {}", code.unwrap_or_default()), said }
        }
    }
}

fn ordinary(about: &std::fs::Metadata) -> io::Result<()> {
    if about.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"))
}

/// Opens an ordinary file that the child left.
fn open_left(path: &Path, most: u64) -> Result<File, SandboxError> {
    let about = path.symlink_metadata().map_err(SandboxError::io("find what the sandbox made"))?;
    if !about.is_file() {
        return Err(SandboxError::Untrusted("it left something that is not a file"));
    }
    if about.len() > most {
        return Err(SandboxError::Untrusted("it left a file that is too large"));
    }
    File::open(path).map_err(SandboxError::io("open what the sandbox made"))
}

fn read_left(path: &Path, most: u64) -> Result<Vec<u8>, SandboxError> {
    let mut bytes = Vec::new();
    open_left(path, most)?
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(SandboxError::io("read what the sandbox made"))?;
    Ok(bytes)
}
