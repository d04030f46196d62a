//! Rows of Parquet files as JSON objects, one by one. A stranger's file takes no more memory than its size justifies.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType as Logical, Repetition, Type as PhysicalType};
use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::record::reader::{RowIter, TreeBuilder};
use parquet::record::{Field, Row};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use serde_json::{Map, Value};

use crate::parquet_sizes::{check_chunk, check_footer, Budget, CheckedPages};

/// Gives every row as one object, columns as keys, to `take`, until it returns false. Only `columns` are read, those of
/// them that the file has; without any, all that can be written as JSON.
pub fn each_row(file: &Bytes, columns: &[&str], take: &mut dyn FnMut(&str) -> bool) -> Result<(), String> {
    check_footer(file)?;
    let reader = SerializedFileReader::new(file.clone()).map_err(|error| error.to_string())?;
    let metadata = reader.metadata().file_metadata();
    let schema = chosen(metadata.schema(), columns)?;
    let mut budget = Budget::of_file(file.len());
    let groups = reader.metadata().row_groups();
    if i64::try_from(total_rows(groups)).ok() != Some(metadata.num_rows()) {
        return Err(format!("damaged: {} rows, but {} in its groups", metadata.num_rows(), total_rows(groups)));
    }
    budget.take_values(total_rows(groups))?;
    let mut number = 0;
    for (index, group) in groups.iter().enumerate() {
        check_group(group, &schema, file, &mut budget)?;
        let checked = CheckedGroup { group: reader.get_row_group(index).map_err(|error| error.to_string())? };
        measure(&checked, &schema, &mut budget)?;
        let rows = TreeBuilder::new().as_iter(schema.clone(), &checked).map_err(|error| error.to_string())?;
        for row in rows {
            number += 1;
            let object = row.map_err(|error| error.to_string()).and_then(|row| object(&row));
            if !take(&object.map_err(|error| format!("row {number}: {error}"))?.to_string()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn total_rows(groups: &[RowGroupMetaData]) -> u64 {
    groups.iter().fold(0, |sum, group| sum.saturating_add(group.num_rows() as u64))
    // below 0 becomes huge
}

/// Whether a column becomes texts, numbers, truth values, or lists and groups of them.
fn is_supported(column: &Type) -> bool {
    let info = column.get_basic_info();
    let kind = info.converted_type();
    match column {
        Type::GroupType { fields, .. } => match (kind, fields.as_slice()) {
            (ConvertedType::LIST, [repeated]) => {
                let is_repeated = repeated.get_basic_info().repetition() == Repetition::REPEATED;
                is_repeated
                    && if repeated.is_group() {
                        !repeated.get_fields().is_empty()
                            && repeated.get_fields().iter().all(|field| is_supported(field))
                    } else {
                        is_supported_leaf(repeated)
                    }
            }
            (ConvertedType::NONE, [_, ..]) => {
                info.repetition() != Repetition::REPEATED && fields.iter().all(|field| is_supported(field))
            }
            _ => false,
        },
        Type::PrimitiveType { .. } => info.repetition() != Repetition::REPEATED && is_supported_leaf(column),
    }
}

fn is_supported_leaf(column: &Type) -> bool {
    use ConvertedType as Kind;
    let info = column.get_basic_info();
    // Times in nanoseconds have no converted type; columns without any value are of type Unknown.
    if !matches!(
        info.logical_type_ref(),
        None | Some(Logical::Integer { .. } | Logical::String | Logical::Enum | Logical::Json | Logical::Unknown)
    ) {
        return false;
    }
    let kind = info.converted_type();
    match column.get_physical_type() {
        PhysicalType::BOOLEAN | PhysicalType::FLOAT | PhysicalType::DOUBLE => kind == Kind::NONE,
        PhysicalType::INT32 => matches!(
            kind,
            Kind::NONE | Kind::INT_8 | Kind::INT_16 | Kind::INT_32 | Kind::UINT_8 | Kind::UINT_16 | Kind::UINT_32
        ),
        PhysicalType::INT64 => matches!(kind, Kind::NONE | Kind::INT_64 | Kind::UINT_64),
        PhysicalType::BYTE_ARRAY => matches!(kind, Kind::UTF8 | Kind::ENUM | Kind::JSON),
        PhysicalType::INT96 | PhysicalType::FIXED_LEN_BYTE_ARRAY => false,
    }
}

/// The schema of what is read.
fn chosen(schema: &Type, columns: &[&str]) -> Result<SchemaDescPtr, String> {
    let mut fields = Vec::new();
    for field in schema.get_fields() {
        let name = field.name();
        if columns.is_empty() && !is_supported(field) || !columns.is_empty() && !columns.contains(&name) {
            continue;
        }
        if !is_supported(field) {
            return Err(format!("column '{name}' is {}; expected texts, numbers, or lists of them", kind_of(field)));
        }
        if fields.iter().any(|other: &Arc<Type>| other.name() == name) {
            return Err(format!("two columns '{name}'"));
        }
        fields.push(field.clone());
    }
    let root = Type::group_type_builder(schema.name()).with_fields(fields).build();
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(root.map_err(|error| error.to_string())?))))
}

/// A type for a message: TIMESTAMP_MILLIS, BYTE_ARRAY, MAP, a group.
fn kind_of(column: &Type) -> String {
    let info = column.get_basic_info();
    match (info.converted_type(), info.logical_type_ref()) {
        (ConvertedType::NONE, Some(logical)) => format!("of type {logical:?}"),
        (ConvertedType::NONE, None) if column.is_group() => "a group of columns".into(),
        (ConvertedType::NONE, None) => format!("of type {}", column.get_physical_type()),
        (kind, _) => format!("of type {kind}"),
    }
}

/// The places of the chosen columns in a row group.
fn places<'a>(group: &'a RowGroupMetaData, schema: &'a SchemaDescPtr) -> impl Iterator<Item = usize> + 'a {
    let is_chosen = |path: &[String]| schema.columns().iter().any(|chosen| chosen.path().parts() == path);
    (0..group.num_columns()).filter(move |i| is_chosen(group.column(*i).column_path().parts()))
}

fn of_column<T>(group: &RowGroupMetaData, place: usize, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|error| format!("column '{}' {error}", group.column(place).column_path().string()))
}

fn check_group(
    group: &RowGroupMetaData,
    schema: &SchemaDescPtr,
    file: &[u8],
    budget: &mut Budget,
) -> Result<(), String> {
    for place in places(group, schema) {
        of_column(group, place, check_chunk(group.column(place), file, budget))?;
    }
    Ok(())
}

/// A row group of the crate with pages that are checked.
struct CheckedGroup<'a> {
    group: Box<dyn RowGroupReader + 'a>,
}

impl RowGroupReader for CheckedGroup<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.group.metadata()
    }

    fn num_columns(&self) -> usize {
        self.group.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>, ParquetError> {
        let column = self.metadata().column(i).column_descr();
        Ok(Box::new(CheckedPages {
            pages: self.group.get_column_page_reader(i)?,
            physical_type: column.physical_type(),
            max_rep_level: column.max_rep_level(),
            max_def_level: column.max_def_level(),
        }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&parquet::bloom_filter::Sbbf> {
        self.group.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>, ParquetError> {
        RowIter::from_row_group(projection, self)
    }
}

/// Reads the columns once without keeping anything: a few bytes may stand for many long texts (dictionaries, shared
/// beginnings), and a row is made in one piece. Takes all texts from the budget, and checks that they are UTF-8 and that
/// every column has all rows.
fn measure(group: &CheckedGroup, schema: &SchemaDescPtr, budget: &mut Budget) -> Result<(), String> {
    let metadata = group.metadata();
    for place in places(metadata, schema) {
        let levels = (
            metadata.column(place).column_descr().max_def_level(),
            metadata.column(place).column_descr().max_rep_level(),
        );
        let measured = match group.get_column_reader(place).map_err(|error| error.to_string())? {
            ColumnReader::ByteArrayColumnReader(column) => {
                measure_column(column, levels, 1, &mut |value: &ByteArray| {
                    budget.take_bytes(value.len() as u64)?;
                    std::str::from_utf8(value.data())
                        .map(|_| ())
                        .map_err(|_| "has a text that is not UTF-8".to_string())
                })
            }
            ColumnReader::BoolColumnReader(column) => measure_column(column, levels, 1024, &mut |_| Ok(())),
            ColumnReader::Int32ColumnReader(column) => measure_column(column, levels, 1024, &mut |_| Ok(())),
            ColumnReader::Int64ColumnReader(column) => measure_column(column, levels, 1024, &mut |_| Ok(())),
            ColumnReader::FloatColumnReader(column) => measure_column(column, levels, 1024, &mut |_| Ok(())),
            ColumnReader::DoubleColumnReader(column) => measure_column(column, levels, 1024, &mut |_| Ok(())),
            _ => Err("is of another type".into()),
        };
        let expected = metadata.num_rows();
        of_column(
            metadata,
            place,
            measured.and_then(|rows| {
                if rows as i64 == expected {
                    Ok(())
                } else {
                    Err(format!("has {rows} rows, expected {expected}"))
                }
            }),
        )?;
    }
    Ok(())
}

/// The number of rows of a column, of which a few are read at once; its values go to `see`.
fn measure_column<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    (max_def_level, max_rep_level): (i16, i16),
    batch: usize,
    see: &mut dyn FnMut(&T::T) -> Result<(), String>,
) -> Result<usize, String> {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    loop {
        values.clear();
        defined.clear();
        repeated.clear();
        let defined = (max_def_level > 0).then_some(&mut defined);
        let repeated = (max_rep_level > 0).then_some(&mut repeated);
        let read = column.read_records(batch, defined, repeated, &mut values).map_err(|error| error.to_string())?;
        if read == (0, 0, 0) {
            return Ok(rows);
        }
        rows += read.0;
        values.iter().try_for_each(&mut *see)?;
    }
}

fn object(row: &Row) -> Result<Value, String> {
    let fields = row.get_column_iter();
    let member = |(name, field): (&String, &Field)| {
        value(field).map(|value| (name.clone(), value)).map_err(|error| format!("column '{name}': {error}"))
    };
    fields.map(member).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn value(field: &Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(x) => (*x).into(),
        Field::Byte(x) => (*x).into(),
        Field::Short(x) => (*x).into(),
        Field::Int(x) => (*x).into(),
        Field::Long(x) => (*x).into(),
        Field::UByte(x) => (*x).into(),
        Field::UShort(x) => (*x).into(),
        Field::UInt(x) => (*x).into(),
        Field::ULong(x) => (*x).into(),
        Field::Float(x) => (*x).into(),
        Field::Double(x) => (*x).into(),
        Field::Str(x) => x.as_str().into(),
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => list.elements().iter().map(value).collect::<Result<Vec<_>, _>>()?.into(),
        _ => return Err("neither text nor number, nor a list or group of them".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(file: &'static [u8], columns: &[&str], most: usize) -> Result<Vec<String>, String> {
        let mut rows = Vec::new();
        let mut take = |row: &str| {
            rows.push(row.to_string());
            rows.len() < most
        };
        each_row(&Bytes::from_static(file), columns, &mut take).map(|()| rows)
    }

    const GROUPS: &[u8] = include_bytes!("../../tests/data/parquet/groups.parquet");

    #[test]
    fn rows_stop_when_enough() {
        let rows = rows_of(GROUPS, &["answer"], 2).unwrap();
        assert_eq!(rows, [r#"{"answer":1}"#, r#"{"answer":1}"#]);
        assert_eq!(rows_of(GROUPS, &["answer"], 100).unwrap().len(), 3);
        assert_eq!(rows_of(GROUPS, &["absent"], 100).unwrap(), ["{}", "{}", "{}"]);
    }

    #[test]
    fn types() {
        let file = include_bytes!("../../tests/data/parquet/every_type.parquet");
        let message = |column| rows_of(file, &[column], 100).unwrap_err();
        assert_eq!(message("map"), "column 'map' is of type MAP; expected texts, numbers, or lists of them");
        assert_eq!(message("image"), "column 'image' is a group of columns; expected texts, numbers, or lists of them");
        assert!(rows_of(file, &["records"], 100).is_ok());
    }

    /// Cut anywhere, and with any bit wrong: an error or rows.
    #[test]
    fn damage() {
        let whole = include_bytes!("../../tests/data/parquet/lz4_hadoop.parquet");
        let read = |bytes: Vec<u8>| each_row(&bytes.into(), &[], &mut |_| true);
        for size in 0..whole.len() {
            assert!(read(whole[..size].to_vec()).is_err(), "cut to {size}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = crate::border::catch(|| read(bytes));
        }
    }
}
