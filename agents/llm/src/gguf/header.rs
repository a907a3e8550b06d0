//! Checks a GGUF file before anything is allocated for it.
//!
//! The file is untrusted: counts, string lengths, nesting, tensor shapes and offsets are compared
//! with limits and with the file's size before another reader sees it. Layout: GGUF specification,
//! versions 2 and 3 (ggml-org/ggml, docs/gguf.md), little-endian.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::Error;

/// Largest file that is accepted, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 30;

const MAX_TENSORS: u64 = 16_384;
const MAX_METADATA: u64 = 4_096;
const MAX_STRING_BYTES: u64 = 4 << 20;
const MAX_ARRAY_ELEMENTS: u64 = 4 << 20;
const MAX_ELEMENTS_PER_TENSOR: u64 = 1 << 36;

/// A metadata value that later checks look at; everything else is passed over.
#[derive(Debug, Clone, PartialEq)]
enum Scalar {
    Unsigned(u64),
    Float(f64),
    Text(String),
    /// Element count of an array.
    Array(u64),
}

/// What a checked header says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    metadata: BTreeMap<String, Scalar>,
    /// Tensor names with their dimensions, fastest first.
    tensors: BTreeMap<String, Vec<u64>>,
}

impl Header {
    /// Reads and checks the header of a file of `file_bytes` bytes.
    pub(super) fn read(file: impl Read + Seek, file_bytes: u64) -> Result<Self, Error> {
        if file_bytes > MAX_FILE_BYTES {
            return Err(damaged(format!("has {file_bytes} bytes; at most {MAX_FILE_BYTES} are read")));
        }
        let mut reader = Reader { inner: BufReader::new(file), left: file_bytes };
        if reader.bytes::<4>()? != *b"GGUF" {
            return Err(damaged("does not begin with GGUF"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            return Err(damaged(format!("is of version {version}; versions 2 and 3 are read")));
        }
        let n_tensors = reader.u64()?;
        let n_metadata = reader.u64()?;
        if n_tensors > MAX_TENSORS || n_metadata > MAX_METADATA {
            return Err(damaged(format!("declares {n_tensors} tensors and {n_metadata} metadata entries")));
        }
        let mut metadata = BTreeMap::new();
        for _ in 0..n_metadata {
            let key = reader.string()?;
            let kind = reader.u32()?;
            let value = reader.value(kind, true)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(damaged(format!("holds the metadata key {key:.80} twice")));
            }
        }
        let mut places = Vec::new();
        let mut tensors = BTreeMap::new();
        for _ in 0..n_tensors {
            let (name, dimensions, place) = reader.tensor()?;
            places.push(place);
            if tensors.insert(name.clone(), dimensions).is_some() {
                return Err(damaged(format!("holds the tensor {name:.80} twice")));
            }
        }
        let header = Self { metadata, tensors };
        header.check_places(&places, file_bytes - reader.left, file_bytes)?;
        Ok(header)
    }

    /// Every tensor lies inside the file, at an aligned offset.
    fn check_places(&self, places: &[[u64; 2]], header_bytes: u64, file_bytes: u64) -> Result<(), Error> {
        let alignment = self.unsigned("general.alignment").unwrap_or(32);
        if !alignment.is_power_of_two() || !(8..=65_536).contains(&alignment) {
            return Err(damaged(format!("has an alignment of {alignment}")));
        }
        let data_start = header_bytes.div_ceil(alignment) * alignment;
        for [offset, size] in places {
            let end = data_start.checked_add(*offset).and_then(|start| start.checked_add(*size));
            if offset % alignment != 0 || end.is_none_or(|end| end > file_bytes) {
                return Err(damaged("holds a tensor that lies outside the file or is not aligned"));
            }
        }
        Ok(())
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn unsigned(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key) {
            Some(Scalar::Unsigned(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn float(&self, key: &str) -> Option<f64> {
        match self.metadata.get(key) {
            Some(Scalar::Float(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn array_len(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key) {
            Some(Scalar::Array(len)) => Some(*len),
            _ => None,
        }
    }

    /// Dimensions of a tensor, fastest first.
    pub(super) fn dimensions(&self, tensor: &str) -> Option<&[u64]> {
        self.tensors.get(tensor).map(Vec::as_slice)
    }

    pub(super) fn tensor_names(&self) -> BTreeSet<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }
}

/// Reads with a count of the bytes that are left.
struct Reader<R: Read> {
    inner: BufReader<R>,
    left: u64,
}

impl<R: Read + Seek> Reader<R> {
    fn take(&mut self, n: u64) -> Result<(), Error> {
        self.left = self.left.checked_sub(n).ok_or_else(|| damaged("ends inside its header"))?;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N as u64)?;
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn skip(&mut self, n: u64) -> Result<(), Error> {
        self.take(n)?;
        let n = i64::try_from(n).map_err(|_| damaged("holds an absurd length"))?;
        self.inner.seek_relative(n).map_err(|error| damaged(error.to_string()))
    }

    fn string_len(&mut self) -> Result<u64, Error> {
        let len = self.u64()?;
        if len > MAX_STRING_BYTES || len > self.left {
            return Err(damaged(format!("holds a string of {len} bytes")));
        }
        Ok(len)
    }

    fn string(&mut self) -> Result<String, Error> {
        let len = self.string_len()?;
        self.take(len)?;
        let mut bytes = vec![0; len as usize];
        self.inner.read_exact(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        String::from_utf8(bytes).map_err(|_| damaged("holds a string that is not UTF-8"))
    }

    fn value(&mut self, kind: u32, arrays_allowed: bool) -> Result<Scalar, Error> {
        Ok(match kind {
            0 => Scalar::Unsigned(u64::from(self.bytes::<1>()?[0])),
            // A bool of another value than 0 and 1 marks a damaged file.
            7 => match self.bytes::<1>()?[0] {
                flag @ 0..=1 => Scalar::Unsigned(u64::from(flag)),
                flag => return Err(damaged(format!("holds the truth value {flag}"))),
            },
            1 => signed(i64::from(i8::from_le_bytes(self.bytes()?))),
            2 => Scalar::Unsigned(u64::from(u16::from_le_bytes(self.bytes()?))),
            3 => signed(i64::from(i16::from_le_bytes(self.bytes()?))),
            4 => Scalar::Unsigned(u64::from(self.u32()?)),
            5 => signed(i64::from(i32::from_le_bytes(self.bytes()?))),
            6 => Scalar::Float(f64::from(f32::from_le_bytes(self.bytes()?))),
            8 => Scalar::Text(self.string()?),
            9 if arrays_allowed => self.array()?,
            9 => return Err(damaged("holds an array inside an array")),
            10 => Scalar::Unsigned(self.u64()?),
            11 => signed(i64::from_le_bytes(self.bytes()?)),
            12 => Scalar::Float(f64::from_le_bytes(self.bytes()?)),
            kind => return Err(damaged(format!("holds a value of unknown type {kind}"))),
        })
    }

    fn array(&mut self) -> Result<Scalar, Error> {
        let kind = self.u32()?;
        let len = self.u64()?;
        if len > MAX_ARRAY_ELEMENTS {
            return Err(damaged(format!("holds an array of {len} elements")));
        }
        let width = match kind {
            0 | 1 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            _ => 0,
        };
        if width > 0 {
            self.skip(len * width)?;
        } else {
            for _ in 0..len {
                if kind == 8 {
                    let bytes = self.string_len()?;
                    self.skip(bytes)?;
                } else {
                    self.value(kind, false)?;
                }
            }
        }
        Ok(Scalar::Array(len))
    }

    /// Name, dimensions, and offset with size in bytes.
    fn tensor(&mut self) -> Result<(String, Vec<u64>, [u64; 2]), Error> {
        let name = self.string()?;
        let n_dimensions = self.u32()?;
        if !(1..=4).contains(&n_dimensions) {
            return Err(damaged(format!("holds a tensor of {n_dimensions} dimensions")));
        }
        let mut dimensions = Vec::new();
        let mut elements: u64 = 1;
        for _ in 0..n_dimensions {
            let dimension = self.u64()?;
            elements = elements
                .checked_mul(dimension)
                .filter(|n| *n <= MAX_ELEMENTS_PER_TENSOR)
                .ok_or_else(|| damaged(format!("holds the tensor {name:.80} with too many elements")))?;
            dimensions.push(dimension);
        }
        let kind = self.u32()?;
        let (block, block_bytes) = block_layout(kind)
            .ok_or_else(|| damaged(format!("holds the tensor {name:.80} of unsupported type {kind}")))?;
        if elements == 0 || !dimensions[0].is_multiple_of(block) {
            return Err(damaged(format!("holds the tensor {name:.80}, which is no whole number of blocks")));
        }
        let offset = self.u64()?;
        Ok((name, dimensions, [offset, elements / block * block_bytes]))
    }
}

/// Elements and bytes of one block of a tensor type (ggml's `ggml_type`), for the types that the
/// inference library reads.
const fn block_layout(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        _ => return None,
    })
}

fn signed(number: i64) -> Scalar {
    // Negative numbers occur in no key that is looked at.
    u64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Unsigned)
}

fn damaged(what: impl Into<String>) -> Error {
    Error::Damaged(what.into())
}

/// Length of a seekable file.
pub(super) fn length(file: &mut (impl Read + Seek)) -> Result<u64, Error> {
    let end = file.seek(SeekFrom::End(0)).map_err(|error| damaged(error.to_string()))?;
    file.seek(SeekFrom::Start(0)).map_err(|error| damaged(error.to_string()))?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// One F32 tensor of 8 elements and one text.
    fn sample() -> Vec<u8> {
        let mut file =
            [&b"GGUF"[..], &3_u32.to_le_bytes(), &1_u64.to_le_bytes(), &1_u64.to_le_bytes()].concat();
        file.extend([string("general.architecture"), 8_u32.to_le_bytes().to_vec(), string("llama")].concat());
        file.extend(string("w"));
        file.extend([&1_u32.to_le_bytes()[..], &8_u64.to_le_bytes(), &0_u32.to_le_bytes()].concat());
        file.extend(0_u64.to_le_bytes());
        file.resize(file.len().div_ceil(32) * 32 + 32, 0);
        file
    }

    fn read(file: &[u8]) -> Result<Header, Error> {
        Header::read(Cursor::new(file), file.len() as u64)
    }

    #[test]
    fn a_whole_file_is_read() {
        let header = read(&sample()).unwrap();
        assert_eq!(header.text("general.architecture"), Some("llama"));
        assert_eq!(header.dimensions("w"), Some(&[8][..]));
    }

    #[test]
    fn every_cut_is_noticed() {
        let file = sample();
        for len in 0..file.len() {
            assert!(matches!(read(&file[..len]), Err(Error::Damaged(_))), "{len}");
        }
    }

    #[test]
    fn absurd_counts_lengths_and_offsets_are_refused() {
        let sample = sample();
        let patch = |at: usize, bytes: &[u8]| {
            let mut file = sample.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            read(&file)
        };
        let huge = u64::MAX.to_le_bytes();
        let tensor = 24 + 28 + 4 + 13;
        for (at, bytes) in [
            (0, &b"GGML"[..]),
            (4, &[1, 0, 0, 0]),
            (8, &huge[..]),
            (16, &huge[..]),
            (24, &huge[..]),
            (52, &[99, 0, 0, 0]),
            (tensor + 9, &[5, 0, 0, 0]),
            (tensor + 13, &huge[..]),
            (tensor + 21, &[200, 0, 0, 0]),
            (tensor + 25, &huge[..]),
            (tensor + 25, &[1]),
        ] {
            assert!(matches!(patch(at, bytes), Err(Error::Damaged(_))), "offset {at}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0_usize..128, byte: u8, more in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut file = sample();
            let at = at % file.len();
            file[at] = byte;
            let _ = read(&file);
            file.truncate(at);
            file.extend(more);
            let _ = read(&file);
        }
    }
}
