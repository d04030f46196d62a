//! Thrift's compact protocol, as far as the headers of Parquet need it: fields are looked at one after another, nothing
//! is kept, and what claims more than there are bytes is refused.

/// Kinds of values, as their headers have them.
pub mod kind {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
    pub const UUID: u8 = 13;
}

/// Deeper than any header of Parquet, in calls.
const MAX_DEPTH: u32 = 40;

pub struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

type Done = Result<(), String>;

impl<'a> Compact<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Compact { bytes, at: 0, depth: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, String> {
        let byte = self.bytes.get(self.at).copied().ok_or("ends too early")?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_bytes(&mut self, count: u64) -> Done {
        if count > (self.bytes.len() - self.at) as u64 {
            return Err("ends too early".into());
        }
        self.at += count as usize;
        Ok(())
    }

    /// An unsigned number of seven bits a byte.
    pub fn unsigned(&mut self) -> Result<u64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("has a number of more than 64 bits".into())
    }

    /// A signed number in zigzag order.
    pub fn signed(&mut self) -> Result<i64, String> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The number of a field of such a kind, which must not be negative.
    pub fn size(&mut self, value_kind: u8) -> Result<u64, String> {
        if !(kind::I16..=kind::I64).contains(&value_kind) {
            return Err("has something else where a number belongs".into());
        }
        u64::try_from(self.signed()?).map_err(|_| "has a size below 0".into())
    }

    /// Gives every field of a structure to `visit`, which reads its value and says so, or leaves it to be passed over.
    pub fn fields(&mut self, visit: &mut dyn FnMut(&mut Self, i16, u8) -> Result<bool, String>) -> Done {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("is nested too deeply".into());
        }
        let mut id = 0i16;
        loop {
            let header = self.byte()?;
            let value_kind = header & 0x0f;
            if value_kind == 0 {
                break;
            }
            id = match header >> 4 {
                0 => self.signed()? as i16, // as the crate has it, which must see the same fields
                step => id.checked_add(i16::from(step)).ok_or("has a field of too high a number")?,
            };
            if !visit(self, id, value_kind)? {
                self.skip(value_kind)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// The number and the kind of a list's elements; each takes at least a byte, so there are no more than bytes.
    pub fn list(&mut self) -> Result<(u64, u8), String> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        if count > (self.bytes.len() - self.at) as u64 {
            return Err("has a list longer than itself".into());
        }
        Ok((count, header & 0x0f))
    }

    fn skip_map(&mut self) -> Done {
        let count = self.unsigned()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        for _ in 0..count {
            self.skip_element(kinds >> 4)?;
            self.skip_element(kinds & 0x0f)?;
        }
        Ok(())
    }

    /// Truth values are a byte in lists, and nothing but their kind in structures.
    fn skip_element(&mut self, value_kind: u8) -> Done {
        match value_kind {
            kind::TRUE | kind::FALSE => self.skip_bytes(1),
            _ => self.skip(value_kind),
        }
    }

    pub fn skip(&mut self, value_kind: u8) -> Done {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("is nested too deeply".into());
        }
        match value_kind {
            kind::TRUE | kind::FALSE => (),
            kind::BYTE => self.skip_bytes(1)?,
            kind::I16..=kind::I64 => self.unsigned().map(|_| ())?,
            kind::DOUBLE => self.skip_bytes(8)?,
            kind::UUID => self.skip_bytes(16)?,
            kind::BINARY => {
                let count = self.unsigned()?;
                self.skip_bytes(count)?;
            }
            kind::LIST | kind::SET => {
                let (count, element) = self.list()?;
                for _ in 0..count {
                    self.skip_element(element)?;
                }
            }
            kind::MAP => self.skip_map()?,
            kind::STRUCT => self.fields(&mut |_, _, _| Ok(false))?,
            _ => return Err(format!("has a value of unknown kind {value_kind}")),
        }
        self.depth -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(bytes: &[u8]) -> Result<usize, String> {
        let mut reader = Compact::new(bytes);
        reader.skip(kind::STRUCT).map(|()| reader.position())
    }

    #[test]
    fn fields_are_given_with_their_numbers() {
        // 1: i32 = 150, 3: true, 20: "ab", end
        let bytes = [0x15, 0xac, 0x02, 0x21, 0x08, 40, 2, b'a', b'b', 0];
        let mut seen = Vec::new();
        let mut reader = Compact::new(&bytes);
        let read = reader.fields(&mut |reader, id, value_kind| {
            seen.push((id, value_kind));
            if id != 1 {
                return Ok(false);
            }
            assert_eq!(reader.size(value_kind), Ok(150));
            Ok(true)
        });
        assert_eq!(read, Ok(()));
        assert_eq!(seen, [(1, 5), (3, kind::TRUE), (20, kind::BINARY)]);
        assert_eq!(reader.position(), bytes.len());
    }

    #[test]
    fn every_kind_is_passed_over() {
        let bytes = [
            0x13, 7, // byte
            0x17, 0, 0, 0, 0, 0, 0, 0, 0, // double
            0x19, 0x28, 1, b'a', 0, // two texts
            0x19, 0x11, 1, // a truth value
            0x1b, 1, 0x85, 1, b'k', 3, // a map of one text to a number
            0x1c, 0x16, 1, 0, // a structure
            0x1b, 0, // an empty map
            0,
        ];
        assert_eq!(skipped(&bytes), Ok(bytes.len()));
    }

    #[test]
    fn what_claims_too_much_is_refused() {
        assert_eq!(skipped(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f]), Err("has a list longer than itself".into()));
        assert_eq!(skipped(&[0x18, 0xff, 0x7f, 1]), Err("ends too early".into()));
        assert_eq!(skipped(&[0x15]), Err("ends too early".into()));
        assert_eq!(skipped(&[0x1e]), Err("has a value of unknown kind 14".into()));
        assert_eq!(skipped(&[0x1c; 10_000]), Err("is nested too deeply".into()));
        assert_eq!(skipped(&[0x19, 0x19, 0x19, 0x19].repeat(5_000)), Err("is nested too deeply".into()));
        assert!(skipped(&[0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
        assert_eq!(Compact::new(&[1]).size(5), Err("has a size below 0".into()));
        assert_eq!(Compact::new(&[1]).size(kind::BINARY), Err("has something else where a number belongs".into()));
    }
}
