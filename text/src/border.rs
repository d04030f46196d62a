//! The C border: borrowed views in, owned memory out, and no panic across it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// `idleheads_view`: bytes of the caller, alive during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct View {
    data: *const u8,
    size: usize,
}

impl View {
    pub const fn of_static(text: &'static str) -> View {
        View { data: text.as_ptr(), size: text.len() }
    }

    /// For a function of the caller's that looks at the bytes while it runs.
    pub fn of(bytes: &[u8]) -> View {
        View { data: bytes.as_ptr(), size: bytes.len() }
    }

    /// The view as text; `what` names it in the message if it is not UTF-8.
    ///
    /// # Safety
    /// `data` points to `size` bytes that live as long as the result.
    pub unsafe fn text<'a>(self, what: &str) -> Result<&'a str, String> {
        let bytes = unsafe { slice(self.data, self.size) };
        std::str::from_utf8(bytes).map_err(|error| format!("{what} is not valid UTF-8 at byte {}", error.valid_up_to()))
    }

    /// # Safety
    /// As `text`.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        unsafe { slice(self.data, self.size) }
    }
}

/// A C array as a slice; NULL is the empty one.
///
/// # Safety
/// `data` is NULL, or points to `size` items that live as long as the result.
pub unsafe fn slice<'a, T>(data: *const T, size: usize) -> &'a [T] {
    if data.is_null() {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(data, size) }
    }
}

/// `idleheads_string` and `idleheads_ids`: a boxed slice that belongs to the caller until it is given back.
#[repr(C)]
pub struct Owned<T> {
    data: *mut T,
    size: usize,
}

pub type OwnedString = Owned<u8>;
pub type OwnedIds = Owned<u32>;

impl<T> From<Vec<T>> for Owned<T> {
    fn from(items: Vec<T>) -> Self {
        let size = items.len();
        Owned { data: Box::into_raw(items.into_boxed_slice()).cast(), size }
    }
}

impl From<String> for OwnedString {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl<T> Owned<T> {
    /// # Safety
    /// The value comes from `From<Vec<T>>` and is freed once, or its `data` is NULL.
    pub unsafe fn free(self) {
        if !self.data.is_null() {
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.data, self.size)) });
        }
    }
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string()));
    format!("internal error in the text library: {}", text.unwrap_or_default())
}

thread_local! {
    /// Whether this thread is within `catch`.
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Panics within `catch` print nothing. Those of other Rust code in the process go to the hook that was there before.
fn silence_caught_panics() {
    static SILENCE: Once = Once::new();
    SILENCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CATCHING.get() {
                others(info);
            }
        }));
    });
}

/// Runs `body`. A panic, which prints nothing, becomes an error.
pub fn catch<T>(body: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    silence_caught_panics();
    let outer = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    CATCHING.set(outer);
    result.unwrap_or_else(|payload| Err(panic_message(payload)))
}

/// Writes what `body` gives to `out` and says whether it succeeded; else its error to `error`.
///
/// # Safety
/// Both pointers may be written.
pub unsafe fn run<T>(out: *mut T, error: *mut OwnedString, body: impl FnOnce() -> Result<T, String>) -> bool {
    match catch(body) {
        Ok(value) => {
            unsafe { out.write(value) };
            true
        }
        Err(message) => {
            unsafe { error.write(message.into()) };
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let caught = catch(|| -> Result<(), String> { panic!("number {}", 5) });
        assert_eq!(caught.unwrap_err(), "internal error in the text library: number 5");
        let caught = catch(|| -> Result<(), String> { panic!("plain") });
        assert!(caught.unwrap_err().ends_with("plain"));
        assert_eq!(catch(|| Ok(3)), Ok(3));
        assert!(!CATCHING.get());
    }

    #[test]
    fn panics_of_others_reach_their_hook() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        silence_caught_panics();
        let ours = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CATCHING.get() && info.payload().downcast_ref::<&str>() == Some(&"other") {
                SEEN.fetch_add(1, Ordering::Relaxed);
            } else {
                ours(info);
            }
        }));
        let _ = catch(|| -> Result<(), String> { panic!("other") });
        assert_eq!(SEEN.load(Ordering::Relaxed), 0);
        let _ = panic::catch_unwind(|| panic!("other"));
        assert_eq!(SEEN.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn views_must_be_utf8() {
        let bytes = [b'a', 0xff];
        let view = View { data: bytes.as_ptr(), size: bytes.len() };
        assert_eq!(unsafe { view.text("the text") }.unwrap_err(), "the text is not valid UTF-8 at byte 1");
        assert_eq!(unsafe { View { data: std::ptr::null(), size: 0 }.text("") }, Ok(""));
    }

    #[test]
    fn run_writes_either_the_value_or_the_error() {
        let (mut value, mut error) = (0, OwnedString::from(String::new()));
        unsafe {
            assert!(run(&mut value, &mut error, || Ok(7)));
            assert_eq!(value, 7);
            error.free();
            let mut error = OwnedString::from(String::new());
            assert!(!run(&mut value, &mut error, || Err("wrong".into())));
            assert_eq!(slice(error.data, error.size), b"wrong");
            error.free();
        }
    }
}
