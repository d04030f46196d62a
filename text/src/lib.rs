//! Hugging Face tokenizers, minijinja, Parquet and smaller libraries behind the C header `idleheads_text.h`, which says what each function promises.
//! This file is the border; the other files are plain Rust.
#![deny(unsafe_op_in_unsafe_fn)]
// The header's comments are the safety contract of every function here.
#![allow(clippy::missing_safety_doc)]

mod border;
pub mod chat;
mod digest;
mod letter_case;
mod memory;
mod parquet_sizes;
mod piece_merges;
mod pretrained;
mod python_json;
mod regex;
mod rows;
mod thrift;
mod tokenizer;
mod tokenizer_bounds;
mod tokenizer_class;
mod zip_stream;

use std::ffi::c_void;

use border::{catch, run, slice, OwnedIds, OwnedString, View};
use chat::{Chat, Message, SpecialToken};
use digest::Digest;
use tokenizer::{Bpe, TextTokenizer};

#[no_mangle]
pub unsafe extern "C" fn idleheads_string_free(text: OwnedString) {
    unsafe { text.free() }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_ids_free(ids: OwnedIds) {
    unsafe { ids.free() }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_free(tokenizer: *mut TextTokenizer) {
    if !tokenizer.is_null() {
        drop(unsafe { Box::from_raw(tokenizer) });
    }
}

/// The pointer that `make` leads to, or NULL and the error.
unsafe fn construct(
    error: *mut OwnedString,
    make: impl FnOnce() -> Result<TextTokenizer, String>,
) -> *mut TextTokenizer {
    let mut made = std::ptr::null_mut();
    unsafe { run(&mut made, error, || make().map(|tokenizer| Box::into_raw(Box::new(tokenizer)))) };
    made
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_from_json(
    json: View,
    files: View,
    error: *mut OwnedString,
) -> *mut TextTokenizer {
    unsafe { construct(error, || TextTokenizer::from_json(json.bytes(), files.text("the settings")?)) }
}

#[repr(C)]
pub struct CBpe {
    tokens: *const View,
    kinds: *const u8,
    token_count: usize,
    merges: *const View,
    merge_count: usize,
    scores: *const f64,
    settings: View,
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_from_bpe(bpe: *const CBpe, error: *mut OwnedString) -> *mut TextTokenizer {
    unsafe fn texts<'a>(views: &[View], what: &str) -> Result<Vec<&'a str>, String> {
        let text = |(i, view): (usize, &View)| unsafe { view.text("") }.map_err(|e| format!("{what} {i}{e}"));
        views.iter().enumerate().map(text).collect()
    }
    unsafe {
        let bpe = &*bpe;
        construct(error, || {
            TextTokenizer::from_bpe(&Bpe {
                tokens: texts(slice(bpe.tokens, bpe.token_count), "token")?,
                kinds: slice(bpe.kinds, bpe.token_count),
                merges: texts(slice(bpe.merges, bpe.merge_count), "merge")?,
                scores: if bpe.scores.is_null() { &[] } else { slice(bpe.scores, bpe.token_count) },
                settings: bpe.settings.text("the settings")?,
            })
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_model(tokenizer: *const TextTokenizer) -> View {
    View::of_static(unsafe { &*tokenizer }.model())
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_size(tokenizer: *const TextTokenizer) -> usize {
    unsafe { &*tokenizer }.size()
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_token(
    tokenizer: *const TextTokenizer,
    id: u32,
    token: *mut OwnedString,
) -> bool {
    let found = catch(|| Ok(unsafe { &*tokenizer }.token(id))).ok().flatten();
    if let Some(text) = found {
        unsafe { token.write(text.into()) };
        return true;
    }
    false
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_id(tokenizer: *const TextTokenizer, token: View, id: *mut u32) -> bool {
    let found = catch(|| Ok(unsafe { (*tokenizer).id(token.text("the token")?) })).ok().flatten();
    if let Some(value) = found {
        unsafe { id.write(value) };
        return true;
    }
    false
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_special_id(
    tokenizer: *const TextTokenizer,
    name: View,
    said: *mut bool,
    id: *mut u32,
) -> bool {
    let found = catch(|| Ok(unsafe { (*tokenizer).special_id(name.text("the name")?) })).ok().flatten();
    unsafe { said.write(found.is_some()) };
    if let Some(value) = found.flatten() {
        unsafe { id.write(value) };
        return true;
    }
    false
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_template_tokens(
    files: View,
    tokens: *mut OwnedString,
    error: *mut OwnedString,
) -> bool {
    unsafe {
        run(tokens, error, || {
            let files = pretrained::files(files.text("the settings")?)?;
            let tokens = pretrained::template_tokens(&files)?;
            Ok(serde_json::to_string(&tokens).map_err(|error| error.to_string())?.into())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_encode(
    tokenizer: *const TextTokenizer,
    text: View,
    add_special_tokens: bool,
    ids: *mut OwnedIds,
    error: *mut OwnedString,
) -> bool {
    unsafe {
        run(ids, error, || {
            let encoded = (*tokenizer).encode(text.text("the text")?, add_special_tokens)?;
            Ok(encoded.into())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_tokenizer_decode(
    tokenizer: *const TextTokenizer,
    ids: *const u32,
    count: usize,
    skip_special_tokens: bool,
    text: *mut OwnedString,
    error: *mut OwnedString,
) -> bool {
    unsafe {
        run(text, error, || {
            let decoded = (*tokenizer).decode(slice(ids, count), skip_special_tokens)?;
            Ok(decoded.into())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_digest_new(sha1: bool) -> *mut Digest {
    Box::into_raw(Box::new(Digest::new(sha1)))
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_digest_free(digest: *mut Digest) {
    if !digest.is_null() {
        drop(unsafe { Box::from_raw(digest) });
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_digest_add(digest: *mut Digest, bytes: View) {
    unsafe { (*digest).add(bytes.bytes()) };
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_digest_value(digest: *const Digest, value: *mut u8) -> usize {
    let bytes = unsafe { (*digest).value() };
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), value, bytes.len()) };
    bytes.len()
}

#[repr(C)]
pub struct CMessage {
    role: View,
    content: View,
}

#[repr(C)]
pub struct CSpecialToken {
    name: View,
    text: View,
    listed: bool,
}

#[repr(C)]
pub struct CChat {
    source: View,
    messages: *const CMessage,
    message_count: usize,
    special_tokens: *const CSpecialToken,
    special_token_count: usize,
    date: View,
    add_generation_prompt: bool,
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_chat_render(
    chat: *const CChat,
    text: *mut OwnedString,
    error: *mut OwnedString,
) -> bool {
    unsafe fn message<'a>((i, message): (usize, &CMessage)) -> Result<Message<'a>, String> {
        Ok(Message {
            role: unsafe { message.role.text(&format!("role of message {i}")) }?,
            content: unsafe { message.content.text(&format!("message {i}")) }?,
        })
    }
    unsafe fn special_token<'a>(token: &CSpecialToken) -> Result<SpecialToken<'a>, String> {
        let name = unsafe { token.name.text("the name of a special token") }?;
        let text = unsafe { token.text.text(&format!("the {name}")) }?;
        Ok(SpecialToken { name, text, listed: token.listed })
    }
    unsafe {
        let chat = &*chat;
        run(text, error, || {
            let messages = slice(chat.messages, chat.message_count);
            let tokens = slice(chat.special_tokens, chat.special_token_count);
            let rendered = chat::render(&Chat {
                source: chat.source.text("the template")?,
                messages: messages.iter().enumerate().map(|item| message(item)).collect::<Result<_, _>>()?,
                special_tokens: tokens.iter().map(|token| special_token(token)).collect::<Result<_, _>>()?,
                date: chat.date.text("the date")?,
                add_generation_prompt: chat.add_generation_prompt,
            })?;
            Ok(rendered.into())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_capitalize(text: View, out: *mut OwnedString, error: *mut OwnedString) -> bool {
    unsafe { run(out, error, || Ok(letter_case::capitalize(text.text("the text")?).into())) }
}

/// Bytes of the caller that the `parquet` crate wants to own. Nothing of them is left when the call returns.
struct Borrowed(&'static [u8]);

impl AsRef<[u8]> for Borrowed {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_parquet_rows(
    file: View,
    columns: *const View,
    column_count: usize,
    take: unsafe extern "C" fn(*mut c_void, View) -> bool,
    user: *mut c_void,
    error: *mut OwnedString,
) -> bool {
    unsafe {
        run(&mut (), error, || {
            let columns = slice(columns, column_count).iter().map(|view| view.text("a column's name"));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let file = bytes::Bytes::from_owner(Borrowed(file.bytes()));
            rows::each_row(&file, &columns, &mut |row| take(user, View::of(row.as_bytes())))
        })
    }
}

pub struct Pattern(::regex::bytes::Regex);

#[no_mangle]
pub unsafe extern "C" fn idleheads_regex_compile(pattern: View, error: *mut OwnedString) -> *mut Pattern {
    let mut made = std::ptr::null_mut();
    unsafe {
        run(&mut made, error, || {
            let compiled = regex::compile(pattern.text("the pattern")?)?;
            Ok(Box::into_raw(Box::new(Pattern(compiled))))
        })
    };
    made
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_regex_free(regex: *mut Pattern) {
    if !regex.is_null() {
        drop(unsafe { Box::from_raw(regex) });
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CSpan {
    begin: usize,
    end: usize,
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_regex_find(
    regex: *const Pattern,
    text: View,
    from: usize,
    groups: *mut CSpan,
    group_count: usize,
) -> bool {
    const NONE: CSpan = CSpan { begin: usize::MAX, end: usize::MAX };
    let found = catch(|| {
        let (pattern, text) = unsafe { (&(*regex).0, text.bytes()) };
        let mut locations = pattern.capture_locations();
        if from > text.len() || pattern.captures_read_at(&mut locations, text, from).is_none() {
            return Ok(None);
        }
        Ok(Some(locations))
    });
    let Some(locations) = found.ok().flatten() else { return false };
    for i in 0..group_count {
        let span = locations.get(i).map_or(NONE, |(begin, end)| CSpan { begin, end });
        unsafe { groups.add(i).write(span) };
    }
    true
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_display_width(text: View) -> usize {
    use unicode_width::UnicodeWidthStr;
    String::from_utf8_lossy(unsafe { text.bytes() }).width()
}

#[repr(C)]
pub struct CTarget {
    append: unsafe extern "C" fn(*mut c_void, View) -> bool,
    overwrite: unsafe extern "C" fn(*mut c_void, u64, View) -> bool,
    user: *mut c_void,
}

impl zip_stream::Target for CTarget {
    fn append(&mut self, bytes: &[u8]) -> bool {
        unsafe { (self.append)(self.user, View::of(bytes)) }
    }

    fn overwrite(&mut self, position: u64, bytes: &[u8]) -> bool {
        unsafe { (self.overwrite)(self.user, position, View::of(bytes)) }
    }
}

type Archive = zip_stream::Archive<CTarget>;

#[no_mangle]
pub unsafe extern "C" fn idleheads_zip_new(target: CTarget) -> *mut Archive {
    Box::into_raw(Box::new(Archive::new(target)))
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_zip_free(zip: *mut Archive) {
    if !zip.is_null() {
        drop(unsafe { Box::from_raw(zip) });
    }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_zip_begin(
    zip: *mut Archive,
    name: View,
    size: u64,
    error: *mut OwnedString,
) -> bool {
    unsafe { run(&mut (), error, || (*zip).begin(name.text("the entry's name")?, size)) }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_zip_write(zip: *mut Archive, bytes: View, error: *mut OwnedString) -> bool {
    unsafe { run(&mut (), error, || (*zip).write(bytes.bytes())) }
}

#[no_mangle]
pub unsafe extern "C" fn idleheads_zip_finish(zip: *mut Archive, error: *mut OwnedString) -> bool {
    unsafe { run(&mut (), error, || (*zip).finish()) }
}
