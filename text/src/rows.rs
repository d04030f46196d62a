//! Parquet files as JSON Lines.

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value};

/// One object a row, columns as keys.
pub fn json_lines(file: &[u8]) -> Result<String, String> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).map_err(|error| error.to_string())?;
    let mut lines = String::new();
    for (number, row) in reader.get_row_iter(None).map_err(|error| error.to_string())?.enumerate() {
        let row = row.map_err(|error| format!("row {}: {error}", number + 1))?;
        lines += &object(&row).map_err(|error| format!("row {}: {error}", number + 1))?.to_string();
        lines.push('\n');
    }
    Ok(lines)
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
