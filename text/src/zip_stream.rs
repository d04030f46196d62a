//! ZIP archives of stored entries, written to the caller's file as they come.

use std::cell::Cell;
use std::io::{self, Seek, SeekFrom, Write};
use std::rc::Rc;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Where the bytes go: behind everything, or over what is there already. False if that failed.
pub trait Target {
    fn append(&mut self, bytes: &[u8]) -> bool;
    fn overwrite(&mut self, position: u64, bytes: &[u8]) -> bool;
}

/// A target as a stream with a position.
struct Stream<T> {
    target: T,
    position: u64,
    end: u64,
    is_open: Rc<Cell<bool>>,
}

impl<T: Target> Write for Stream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_open.get() {
            return Ok(bytes.len()); // `zip` ends an archive that is given up
        }
        let inside = usize::try_from(self.end - self.position).unwrap_or(usize::MAX).min(bytes.len());
        let (bytes, done) = match inside {
            0 => (bytes, self.target.append(bytes)),
            _ => (&bytes[..inside], self.target.overwrite(self.position, &bytes[..inside])),
        };
        if !done {
            self.is_open.set(false);
            return Err(io::Error::other("not written"));
        }
        self.position += bytes.len() as u64;
        self.end = self.end.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> Seek for Stream<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        match position {
            Some(position) if position <= self.end => self.position = position,
            _ => return Err(io::Error::other("a position that is not written yet")),
        }
        Ok(self.position)
    }
}

/// An archive that is being written; given up if it is dropped.
pub struct Archive<T: Target> {
    zip: Option<ZipWriter<Stream<T>>>, // none after the end
    is_open: Rc<Cell<bool>>,
}

impl<T: Target> Drop for Archive<T> {
    fn drop(&mut self) {
        self.is_open.set(false);
    }
}

impl<T: Target> Archive<T> {
    pub fn new(target: T) -> Self {
        let is_open = Rc::new(Cell::new(true));
        let stream = Stream { target, position: 0, end: 0, is_open: is_open.clone() };
        Archive { zip: Some(ZipWriter::new(stream)), is_open }
    }

    fn zip(&mut self) -> Result<&mut ZipWriter<Stream<T>>, String> {
        self.zip.as_mut().ok_or_else(|| "the archive is finished".to_string())
    }

    /// Begins an entry of so many bytes; the one before ends.
    pub fn begin(&mut self, name: &str, size: u64) -> Result<(), String> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default()) // 1980: files do not depend on when they were written
            .unix_permissions(0o644)
            .large_file(size >= u64::from(u32::MAX));
        self.zip()?.start_file(name, options).map_err(|error| error.to_string())
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.zip()?.write_all(bytes).map_err(|error| error.to_string())
    }

    /// Writes the directory; nothing may follow.
    pub fn finish(&mut self) -> Result<(), String> {
        let zip = self.zip.take().ok_or("the archive is finished")?;
        zip.finish().map(|_| ()).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Read;

    use super::*;

    const PAGE: u64 = 1 << 16;

    /// A file of which only pages that are not zero take memory.
    #[derive(Clone, Default)]
    struct Sparse {
        pages: Rc<std::cell::RefCell<HashMap<u64, Vec<u8>>>>,
        end: Rc<Cell<u64>>,
        position: u64,
    }

    impl Sparse {
        fn put(&self, position: u64, bytes: &[u8]) {
            if bytes.iter().all(|byte| *byte == 0) && position == self.end.get() {
                self.end.set(position + bytes.len() as u64);
                return;
            }
            for (at, byte) in (position..).zip(bytes) {
                let mut pages = self.pages.borrow_mut();
                pages.entry(at / PAGE).or_insert_with(|| vec![0; PAGE as usize])[(at % PAGE) as usize] = *byte;
            }
            self.end.set(self.end.get().max(position + bytes.len() as u64));
        }
    }

    impl Target for Sparse {
        fn append(&mut self, bytes: &[u8]) -> bool {
            self.put(self.end.get(), bytes);
            true
        }

        fn overwrite(&mut self, position: u64, bytes: &[u8]) -> bool {
            assert!(position + bytes.len() as u64 <= self.end.get());
            self.put(position, bytes);
            true
        }
    }

    impl Read for Sparse {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let left = self.end.get() - self.position;
            let count = left.min(PAGE - self.position % PAGE).min(bytes.len() as u64) as usize;
            let start = (self.position % PAGE) as usize;
            match self.pages.borrow().get(&(self.position / PAGE)) {
                Some(page) => bytes[..count].copy_from_slice(&page[start..start + count]),
                None => bytes[..count].fill(0),
            }
            self.position += count as u64;
            Ok(count)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.position = match to {
                SeekFrom::Start(position) => position,
                SeekFrom::End(offset) => (self.end.get() as i64 + offset) as u64,
                SeekFrom::Current(offset) => (self.position as i64 + offset) as u64,
            };
            Ok(self.position)
        }
    }

    fn text_of(archive: &mut zip::ZipArchive<Sparse>, name: &str) -> String {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn entries_beyond_four_gigabytes() {
        let file = Sparse::default();
        let mut archive = Archive::new(file.clone());
        archive.begin("small", 2).unwrap();
        archive.write(b"ab").unwrap();
        let zeros = vec![0; 1 << 24];
        archive.begin("large", (1 << 32) + 3).unwrap();
        for _ in 0..1 << 8 {
            archive.write(&zeros).unwrap();
        }
        archive.write(b"end").unwrap();
        archive.begin("behind", 1).unwrap();
        archive.write(b"c").unwrap();
        archive.finish().unwrap();
        assert!(file.pages.borrow().len() < 20);

        let mut read = zip::ZipArchive::new(file).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(text_of(&mut read, "small"), "ab");
        assert_eq!(text_of(&mut read, "behind"), "c");
        let large = read.by_name("large").unwrap();
        assert_eq!(large.size(), (1 << 32) + 3);
        assert_eq!(large.compressed_size(), (1 << 32) + 3);
    }

    struct Full(Rc<Cell<u32>>);

    impl Target for Full {
        fn append(&mut self, _: &[u8]) -> bool {
            self.0.set(self.0.get() + 1);
            self.0.get() < 10
        }

        fn overwrite(&mut self, _: u64, _: &[u8]) -> bool {
            true
        }
    }

    #[test]
    fn nothing_is_written_after_a_failure() {
        let calls = Rc::new(Cell::new(0));
        let mut archive = Archive::new(Full(calls.clone()));
        archive.begin("a", 100).unwrap();
        assert!((0..100).any(|_| archive.write(b"b").is_err()));
        drop(archive);
        assert_eq!(calls.get(), 10);
    }
}
