//! Rust ends the process with several lines when memory cannot be had, and lets nobody catch that. The program may name a
//! function to be called first.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;

static HANDLER: OnceLock<extern "C" fn()> = OnceLock::new();

struct Reporting;

#[global_allocator]
static ALLOCATOR: Reporting = Reporting;

fn checked(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        if let Some(handler) = HANDLER.get() {
            handler();
        }
    }
    memory
}

// SAFETY: everything is the system's allocator's doing.
unsafe impl GlobalAlloc for Reporting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        checked(unsafe { System.alloc(layout) })
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        checked(unsafe { System.alloc_zeroed(layout) })
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        checked(unsafe { System.realloc(memory, layout, size) })
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[no_mangle]
pub extern "C" fn idleheads_on_out_of_memory(handler: extern "C" fn()) {
    let _ = HANDLER.set(handler);
}
