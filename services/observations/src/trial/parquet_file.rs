//! Parquet files that strangers wrote: looked through before they are decoded.
//!
//! The reader of the format trusts what a footer says of itself: it descends as deep as the schema is,
//! reserves as much memory as a page claims to hold, and stops the process where neither can be had. So the
//! footer and the headers of the pages are walked first, with a reader of their encoding (Thrift's compact
//! protocol) that reserves nothing, and files beyond the limits are refused with the row group and column.

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Most row groups of a file.
const MOST_ROW_GROUPS: u64 = 10_000;
/// Most nodes of a schema: columns and the groups that they are in.
const MOST_NODES: u64 = 5_000;
/// How deep groups may be nested. Only columns outside of all groups are read.
const MOST_DEPTH: usize = 16;
/// Most bytes of one page once it is unpacked; writers make pages of one MiB.
const MOST_PAGE_BYTES: u64 = 32 << 20;
/// Most bytes of the columns that are read once they are unpacked.
const MOST_UNPACKED_BYTES: u64 = 1 << 30;
/// Bytes of the length and the mark at the end of a file.
const TAIL: usize = 8;

/// Whether the bytes claim to be parquet, encrypted or not.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PAR1") || bytes.starts_with(b"PARE")
}

/// Refuses a footer that is encrypted, cut off, or larger than anything that is read.
///
/// # Errors
/// [`Code::Table`] with the file's name.
pub(super) fn check_footer(bytes: &[u8], name: &str) -> Result<(), Problem> {
    let refused = |message: &str| Problem::new(Code::Table, name, message.to_owned());
    let Some((body, tail)) = bytes.split_last_chunk::<TAIL>() else {
        return Err(refused("is a damaged parquet file: it ends before its footer"));
    };
    if bytes.starts_with(b"PARE") || tail.ends_with(b"PARE") {
        return Err(refused("is an encrypted parquet file; hand it in without encryption"));
    }
    let [a, b, c, d, mark @ ..] = *tail;
    if mark != *b"PAR1" {
        return Err(refused("is a damaged parquet file: it does not end with PAR1, so it was cut off"));
    }
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let footer = body.len().checked_sub(length).and_then(|start| body.get(start..));
    let footer = footer
        .ok_or_else(|| refused("is a damaged parquet file: its footer is said to be longer than the file"))?;
    match walk_footer(&mut Thrift { bytes: footer }) {
        Ok(()) => Ok(()),
        Err(Broken::TooMuch(what)) => Err(refused(&format!("has {what}, which is more than is read"))),
        Err(Broken::Ended) => Err(refused("is a damaged parquet file: its footer cannot be read")),
    }
}

/// Refuses columns whose pages would not fit, or are packed in a way that is not read. `used` are the numbers
/// of the columns that are decoded.
///
/// # Errors
/// [`Code::Table`] with the row group and the column.
pub(super) fn check_pages(bytes: &[u8], metadata: &ParquetMetaData, used: &[usize]) -> Result<(), Problem> {
    let mut left = MOST_UNPACKED_BYTES;
    for (group, number) in metadata.row_groups().iter().zip(1_u64..) {
        for column in used.iter().filter_map(|at| group.columns().get(*at)) {
            let field = format!("row group {number}, {}", column.column_path().string());
            let refused = |message: String| Problem::new(Code::Table, field.clone(), message);
            check_packing(column).map_err(refused)?;
            let unpacked = pages_of(bytes, column).map_err(|broken| match broken {
                Broken::TooMuch(what) => refused(format!("has {what}, which is more than is read")),
                Broken::Ended => refused("its pages cannot be read: they are damaged or cut off".to_owned()),
            })?;
            left = left.checked_sub(unpacked).ok_or_else(|| {
                refused(format!(
                    "the columns up to here unpack to more than {MOST_UNPACKED_BYTES} bytes; split the file"
                ))
            })?;
        }
    }
    Ok(())
}

fn check_packing(column: &ColumnChunkMetaData) -> Result<(), String> {
    match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) => Ok(()),
        other => {
            Err(format!("is packed with {other}; snappy, zstd and columns that are not packed are read"))
        }
    }
}

/// Why bytes are not walked on.
#[derive(Debug)]
enum Broken {
    /// They end, or say what nothing says.
    Ended,
    /// There is too much of something.
    TooMuch(String),
}

/// Bytes of all pages of a column once they are unpacked.
fn pages_of(bytes: &[u8], column: &ColumnChunkMetaData) -> Result<u64, Broken> {
    let number = |value: i64| usize::try_from(value).map_err(|_| Broken::Ended);
    let start = number(column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset()))?;
    let length = number(column.compressed_size())?;
    let end = start.checked_add(length).ok_or(Broken::Ended)?;
    let mut rest = Thrift { bytes: bytes.get(start..end).ok_or(Broken::Ended)? };
    let mut sum: u64 = 0;
    while !rest.bytes.is_empty() {
        let (unpacked, packed) = page_header(&mut rest)?;
        if unpacked > MOST_PAGE_BYTES {
            return Err(Broken::TooMuch(format!("a page of {unpacked} bytes once it is unpacked")));
        }
        let packed = usize::try_from(packed).map_err(|_| Broken::Ended)?;
        rest.bytes = rest.bytes.get(packed..).ok_or(Broken::Ended)?;
        sum = sum.saturating_add(unpacked);
    }
    Ok(sum)
}

/// Sizes of a page, unpacked and packed; the header is passed.
fn page_header(thrift: &mut Thrift<'_>) -> Result<(u64, u64), Broken> {
    let (mut unpacked, mut packed) = (None, None);
    let size = |value: i64| u64::try_from(value).map_err(|_| Broken::Ended);
    thrift.fields(|thrift, field, kind| {
        match (field, kind) {
            (2, Kind::Number) => unpacked = Some(size(thrift.number()?)?),
            (3, Kind::Number) => packed = Some(size(thrift.number()?)?),
            _ => thrift.skip(kind, 0)?,
        }
        Ok(())
    })?;
    unpacked.zip(packed).ok_or(Broken::Ended)
}

/// Walks `FileMetaData`: how large its schema is, how deep, and how many row groups it has.
fn walk_footer(thrift: &mut Thrift<'_>) -> Result<(), Broken> {
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (2, Kind::List) => walk_schema(thrift),
        (4, Kind::List) => {
            let (count, kind) = thrift.list()?;
            if count > MOST_ROW_GROUPS {
                return Err(Broken::TooMuch(format!("{count} row groups")));
            }
            (0..count).try_for_each(|_| thrift.skip(kind, 0))
        }
        _ => thrift.skip(kind, 0),
    })
}

/// Walks the schema, a tree as a list: each node says how many of the following are its children.
fn walk_schema(thrift: &mut Thrift<'_>) -> Result<(), Broken> {
    let (count, kind) = thrift.list()?;
    if count > MOST_NODES {
        return Err(Broken::TooMuch(format!("{count} columns")));
    }
    if kind != Kind::Struct {
        return Err(Broken::Ended);
    }
    // Children that are still to come, of each group that is open.
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..count {
        let mut children = 0;
        thrift.fields(|thrift, field, kind| match (field, kind) {
            (5, Kind::Number) => {
                children = u64::try_from(thrift.number()?).map_err(|_| Broken::Ended)?;
                Ok(())
            }
            _ => thrift.skip(kind, 0),
        })?;
        if children > count {
            return Err(Broken::TooMuch(format!("a group of {children} columns in a schema of {count}")));
        }
        // A group whose last child has come stays open until all that is in that child has come too.
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(last) = open.last_mut() {
            *last -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > MOST_DEPTH {
            return Err(Broken::TooMuch(format!("columns nested more than {MOST_DEPTH} deep")));
        }
    }
    Ok(())
}

/// What kind of value follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A truth value that stands in the field's header, or in a byte of a list.
    Truth,
    Byte,
    Number,
    Double,
    Bytes,
    List,
    Map,
    Struct,
}

impl Kind {
    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 | 2 => Self::Truth,
            3 => Self::Byte,
            4..=6 => Self::Number,
            7 => Self::Double,
            8 => Self::Bytes,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            _ => return None,
        })
    }
}

/// How deep values are skipped.
const SKIPPED_DEPTH: usize = 32;

/// Bytes in Thrift's compact protocol, read without reserving anything.
///
/// # Source
/// Apache Thrift, `doc/specs/thrift-compact-protocol.md`.
struct Thrift<'a> {
    bytes: &'a [u8],
}

impl<'a> Thrift<'a> {
    fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.bytes.split_first().ok_or(Broken::Ended)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Broken::Ended)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A number of seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> Result<u64, Broken> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken::Ended)
    }

    /// A number whose sign stands in the lowest bit.
    fn number(&mut self) -> Result<i64, Broken> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// How many values a list has, and of which kind.
    fn list(&mut self) -> Result<(u64, Kind), Broken> {
        let header = self.byte()?;
        if header == 0 {
            return Ok((0, Kind::Byte));
        }
        let kind = Kind::of(header & 0x0F).ok_or(Broken::Ended)?;
        let count = if header >> 4 == 15 { self.unsigned()? } else { u64::from(header >> 4) };
        // Each value takes a byte at least.
        if count > self.bytes.len() as u64 { Err(Broken::Ended) } else { Ok((count, kind)) }
    }

    /// Calls `each` for every field of a struct, with its number and kind; it must read or skip the value.
    fn fields(
        &mut self,
        mut each: impl FnMut(&mut Self, i64, Kind) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let mut field = 0_i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Ok(());
            }
            let kind = Kind::of(header & 0x0F).ok_or(Broken::Ended)?;
            let step = i64::from(header >> 4);
            field = if step == 0 { self.number()? } else { field.saturating_add(step) };
            // A truth value of a field stands in its header.
            if kind != Kind::Truth {
                each(self, field, kind)?;
            }
        }
    }

    /// Passes a value.
    fn skip(&mut self, kind: Kind, depth: usize) -> Result<(), Broken> {
        if depth > SKIPPED_DEPTH {
            return Err(Broken::TooMuch(format!("values nested more than {SKIPPED_DEPTH} deep")));
        }
        match kind {
            Kind::Truth | Kind::Byte => self.byte().map(drop),
            Kind::Number => self.unsigned().map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Bytes => {
                let length = self.unsigned()?;
                self.take(usize::try_from(length).map_err(|_| Broken::Ended)?).map(drop)
            }
            Kind::List => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            Kind::Map => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                let (key, value) = (Kind::of(kinds >> 4), Kind::of(kinds & 0x0F));
                let (key, value) = key.zip(value).ok_or(Broken::Ended)?;
                for _ in 0..count {
                    self.skip(key, depth + 1)?;
                    self.skip(value, depth + 1)?;
                }
                Ok(())
            }
            Kind::Struct => self.fields(|thrift, _, kind| thrift.skip(kind, depth + 1)),
        }
    }
}
