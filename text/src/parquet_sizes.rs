//! What a Parquet file unpacks to, checked before anything of that size is allocated: a few bytes can say that they
//! become gigabytes. The numbers are the file's own; that they are kept is checked here too, or by the crate.

use std::io::{self, Read};
use std::ops::Range;

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::thrift::{kind, Compact};

const MAGIC: &[u8] = b"PAR1";
const TAIL: usize = 8; // the footer's length and the magic
const MAX_FOOTER: usize = 16 << 20;
const MAX_ROW_GROUPS: u64 = i16::MAX as u64;
const MAX_COLUMNS: u64 = 10_000; // groups counted
const MAX_NESTING: usize = 32;

/// What is left of what a file of a size may unpack to. Text and tables of numbers shrink by a factor of 3 to 20.
pub struct Budget {
    bytes: u64,
    values: u64,
}

impl Budget {
    pub fn of_file(size: usize) -> Self {
        let size = size as u64;
        Budget { bytes: ((64 << 20) + 64 * size).min(1 << 30), values: (256 << 10) + 4 * size }
    }

    pub fn take_bytes(&mut self, count: u64) -> Result<(), String> {
        self.bytes = self.bytes.checked_sub(count).ok_or("unpacks to far more than its size justifies")?;
        Ok(())
    }

    pub fn take_values(&mut self, count: u64) -> Result<(), String> {
        self.values = self.values.checked_sub(count).ok_or("has far more values than its size justifies")?;
        Ok(())
    }
}

/// Checks that the footer is there and describes a schema of reasonable size and depth.
pub fn check_footer(file: &[u8]) -> Result<(), String> {
    if !file.starts_with(MAGIC) {
        return Err("not a Parquet file (it does not begin with PAR1)".into());
    }
    let Some(length_at) = file.len().checked_sub(TAIL).filter(|at| *at >= MAGIC.len()) else {
        return Err("not a Parquet file: too short".into());
    };
    let (length, magic) = file[length_at..].split_at(4);
    match magic {
        b"PAR1" => (),
        b"PARE" => return Err("encrypted Parquet, which is not supported".into()),
        _ => return Err("damaged: the end of the file is missing (no PAR1 there)".into()),
    }
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    if length > length_at - MAGIC.len() {
        return Err(format!("damaged: a footer of {length} bytes does not fit into the file"));
    }
    if length > MAX_FOOTER {
        return Err(format!("a footer of {length} bytes, expected at most {MAX_FOOTER}"));
    }
    check_metadata(&file[length_at - length..length_at]).map_err(|error| format!("damaged: the footer {error}"))
}

fn check_metadata(bytes: &[u8]) -> Result<(), String> {
    Compact::new(bytes).fields(&mut |reader, id, value_kind| match (id, value_kind) {
        (2, kind::LIST) => check_schema(reader).map(|()| true),
        (4, kind::LIST) => {
            let (count, element) = reader.list()?;
            if count > MAX_ROW_GROUPS || element != kind::STRUCT {
                return Err(format!("has {count} row groups, expected at most {MAX_ROW_GROUPS}"));
            }
            for _ in 0..count {
                reader.skip(element)?;
            }
            Ok(true)
        }
        _ => Ok(false),
    })
}

/// The schema is a tree, written as a list with the number of children of each element.
fn check_schema(reader: &mut Compact) -> Result<(), String> {
    let (count, element) = reader.list()?;
    if element != kind::STRUCT {
        return Err("has a schema that is no list of elements".into());
    }
    if count > MAX_COLUMNS {
        return Err(format!("has {count} columns and groups of columns, expected at most {MAX_COLUMNS}"));
    }
    let mut open = Vec::new(); // children to come, of each group on the way down
    for _ in 0..count {
        let mut children = 0;
        reader.fields(&mut |reader, id, value_kind| {
            if id == 5 {
                children = reader.size(value_kind)?.max(children);
            }
            Ok(id == 5)
        })?;
        if children > count {
            return Err(format!("has a group of {children} columns, but only {count} in all"));
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(children);
        if open.len() > MAX_NESTING {
            return Err(format!("has columns nested deeper than {MAX_NESTING} levels"));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// What the header of a page says.
#[derive(Default)]
struct PageSizes {
    header: usize, // bytes of the header itself
    unpacked: u64,
    packed: u64,
    values: u64,
    levels: u64, // bytes that are not packed in a page of the second version
    is_packed: bool,
}

fn page_sizes(bytes: &[u8]) -> Result<PageSizes, String> {
    let mut sizes = PageSizes { is_packed: true, ..PageSizes::default() };
    let mut reader = Compact::new(bytes);
    reader.fields(&mut |reader, id, value_kind| {
        match (id, value_kind) {
            (2, _) => sizes.unpacked = reader.size(value_kind)?.max(sizes.unpacked),
            (3, _) => sizes.packed = reader.size(value_kind)?,
            (5 | 7 | 8, kind::STRUCT) => reader.fields(&mut |reader, field, value_kind| {
                match (field, value_kind) {
                    (1, _) => sizes.values = reader.size(value_kind)?.max(sizes.values),
                    (5 | 6, _) if id == 8 => sizes.levels = sizes.levels.saturating_add(reader.size(value_kind)?),
                    (7, kind::FALSE) if id == 8 => sizes.is_packed = false,
                    _ => return Ok(false),
                }
                Ok(true)
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    sizes.header = reader.position();
    Ok(sizes)
}

/// The bytes of a column chunk; checks that they lie in the file.
fn chunk_range(chunk: &ColumnChunkMetaData, file: &[u8]) -> Result<Range<usize>, String> {
    if chunk.file_path().is_some() {
        return Err("lies in another file, which is not supported".into());
    }
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let range = usize::try_from(start).ok().zip(usize::try_from(chunk.compressed_size()).ok());
    match range.map(|(start, size)| (start, start.checked_add(size))) {
        Some((start, Some(end))) if end <= file.len() => Ok(start..end),
        _ => Err("does not lie in the file".into()),
    }
}

/// Unpacks to nowhere, as far as the declared size; the crate would unpack these two to whatever comes.
fn check_unpacked_size(packed: &[u8], compression: Compression, declared: u64) -> Result<(), String> {
    let count = |reader: &mut dyn Read| io::copy(&mut reader.take(declared + 1), &mut io::sink());
    let unpacked = match compression {
        Compression::GZIP(_) => count(&mut flate2::read::MultiGzDecoder::new(packed)),
        Compression::BROTLI(_) => count(&mut brotli::Decompressor::new(packed, 4096)),
        _ => return Ok(()),
    };
    match unpacked {
        Ok(size) if size == declared => Ok(()),
        Ok(_) => Err(format!("does not unpack to the {declared} bytes that it declares")),
        Err(error) => Err(error.to_string()),
    }
}

/// Takes what the pages of a column chunk unpack to from the budget. Failures say what is wrong with the column.
pub fn check_chunk(chunk: &ColumnChunkMetaData, file: &[u8], budget: &mut Budget) -> Result<(), String> {
    let mut bytes = &file[chunk_range(chunk, file)?];
    for page in 1.. {
        if bytes.is_empty() {
            break;
        }
        let in_page = |error: String| format!("page {page} {error}");
        let sizes = page_sizes(bytes).map_err(in_page)?;
        budget.take_bytes(sizes.unpacked)?;
        budget.take_values(sizes.values)?;
        bytes = &bytes[sizes.header..];
        if sizes.packed > bytes.len() as u64 {
            return Err(in_page("ends too early".into()));
        }
        let (packed, rest) = bytes.split_at(sizes.packed as usize);
        let levels = sizes.levels.min(sizes.packed).min(sizes.unpacked) as usize;
        if sizes.is_packed && sizes.unpacked > levels as u64 {
            check_unpacked_size(&packed[levels..], chunk.compression(), sizes.unpacked - levels as u64)
                .map_err(in_page)?;
        }
        bytes = rest;
    }
    Ok(())
}

/// Pages of a column as the crate's own reader gives them, but for lengths in delta encodings, which the crate believes:
/// they are as many as the page has values, or the page is refused.
pub struct CheckedPages {
    pub pages: Box<dyn PageReader>,
    pub physical_type: Type,
    pub max_rep_level: i16,
    pub max_def_level: i16,
}

impl CheckedPages {
    fn check(&self, page: &Page) -> Result<(), String> {
        let encoding = page.encoding();
        let is_lengths = matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY);
        if !is_lengths || !page.is_data_page() {
            return Ok(());
        }
        if self.physical_type != Type::BYTE_ARRAY || (encoding == Encoding::DELTA_BYTE_ARRAY && self.max_rep_level > 0)
        {
            return Err(format!("the encoding {encoding} is not supported for such a column"));
        }
        let limit = u64::from(page.num_values());
        let values = self.values_of(page).ok_or("a page ends too early")?;
        let end = check_lengths(values, limit)?;
        if encoding == Encoding::DELTA_BYTE_ARRAY {
            check_lengths(&values[end..], limit)?; // of the prefixes first, then of what follows them
        }
        Ok(())
    }

    /// The page without its levels.
    fn values_of<'a>(&self, page: &'a Page) -> Option<&'a [u8]> {
        match page {
            Page::DataPage { buf, .. } => {
                let mut at = 0usize;
                for level in [self.max_rep_level, self.max_def_level] {
                    if level > 0 {
                        let length = buf.get(at..at.checked_add(4)?)?;
                        at += 4 + u32::from_le_bytes(length.try_into().ok()?) as usize;
                    }
                }
                buf.get(at..)
            }
            Page::DataPageV2 { buf, rep_levels_byte_len, def_levels_byte_len, .. } => {
                buf.get(*rep_levels_byte_len as usize + *def_levels_byte_len as usize..)
            }
            Page::DictionaryPage { .. } => None,
        }
    }
}

/// Numbers in DELTA_BINARY_PACKED: gives where they end, and refuses more than `limit` of them.
fn check_lengths(bytes: &[u8], limit: u64) -> Result<usize, String> {
    let mut reader = Compact::new(bytes); // its numbers are the same
    let (block, parts, count) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    reader.signed()?; // the first one
    if count > limit {
        return Err("a page has lengths of more values than it has".into());
    }
    let part = block.checked_div(parts).unwrap_or(0);
    if part == 0 || part > 1 << 24 || parts > bytes.len() as u64 {
        return Err("a page has blocks of lengths of impossible sizes".into());
    }
    let mut at = reader.position();
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let mut block = Compact::new(&bytes[at..]);
        block.signed()?;
        at += block.position();
        let widths = bytes.get(at..at + parts as usize).ok_or("a page ends too early")?;
        at += parts as usize;
        for width in widths {
            if left == 0 {
                break; // the widths of parts without values mean nothing
            }
            at += usize::from(*width) * part as usize / 8;
            left = left.saturating_sub(part);
        }
        if at > bytes.len() {
            return Err("a page ends too early".into());
        }
    }
    Ok(at)
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page).map_err(ParquetError::General)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(footer: &[u8]) -> Vec<u8> {
        [MAGIC, footer, &(footer.len() as u32).to_le_bytes(), MAGIC].concat()
    }

    /// A footer whose schema is so many elements of this kind.
    fn schema(count: u8, element: &[u8]) -> Vec<u8> {
        let mut footer = vec![0x15, 2, 0x19, 0xfc, count];
        footer.extend(element.repeat(count.into()));
        footer.push(0);
        file(&footer)
    }

    #[test]
    fn footers() {
        assert_eq!(check_footer(b"PAR1PAR1"), Err("not a Parquet file: too short".into()));
        assert!(check_footer(b"text").unwrap_err().starts_with("not a Parquet file"));
        assert!(check_footer(&file(&[0])).is_ok());
        assert!(check_footer(&file(&[0x15])).unwrap_err().starts_with("damaged: the footer"));
    }

    #[test]
    fn depth_of_schemas() {
        let one_child = [0x48, 1, b'g', 0x15, 2, 0]; // field 4, a text; field 5, a number
        let leaf = [0x48, 1, b'l', 0];
        assert!(check_footer(&schema(32, &one_child)).is_ok());
        assert!(check_footer(&schema(33, &one_child)).unwrap_err().contains("deeper than 32"));
        assert!(check_footer(&schema(100, &leaf)).is_ok());
        let too_many = [0x48, 1, b'g', 0x15, 200, 1, 0];
        assert!(check_footer(&schema(3, &too_many)).unwrap_err().contains("a group of 100 columns, but only 3"));
    }

    #[test]
    fn budgets_follow_the_size() {
        let mut budget = Budget::of_file(1000);
        assert!(budget.take_bytes(64 << 20).is_ok());
        assert!(budget.take_bytes(64_000).is_ok());
        assert!(budget.take_bytes(1).is_err());
        assert!(budget.take_values((256 << 10) + 4000).is_ok());
        assert!(budget.take_values(1).is_err());
        assert!(Budget::of_file(usize::MAX >> 8).take_bytes((1 << 30) + 1).is_err());
    }

    #[test]
    fn lengths_in_delta_encoding() {
        // Blocks of 128 in 4 parts; 5 numbers from 3 on, differences of 8 bits in the first part.
        let mut bytes = vec![0x80, 1, 4, 5, 6, 0, 8, 0, 0, 0];
        bytes.extend([1; 32]);
        assert_eq!(check_lengths(&bytes, 5), Ok(42));
        assert!(check_lengths(&bytes, 4).is_err());
        assert!(check_lengths(&bytes[..41], 5).is_err());
        assert_eq!(check_lengths(&[0x80, 1, 4, 1, 6], 1), Ok(5)); // one number needs no block
        assert!(check_lengths(&[0x80, 1, 0, 5, 6], 5).is_err());
        assert!(check_lengths(&[0, 4, 5, 6], 5).is_err());
        assert!(check_lengths(&[], 5).is_err());
    }
}
