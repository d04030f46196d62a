//! Hugging Face tokenizers, minijinja and Parquet behind the C header `idleheads_text.h`, which says what each function promises.
//! This file is the border; the other files are plain Rust.
#![deny(unsafe_op_in_unsafe_fn)]
// The header's comments are the safety contract of every function here.
#![allow(clippy::missing_safety_doc)]

mod border;
mod chat;
mod letter_case;
mod memory;
mod python_json;
mod rows;
mod tokenizer;

use border::{catch, run, slice, OwnedIds, OwnedString, View};
use chat::{Chat, Message};
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
pub unsafe extern "C" fn idleheads_tokenizer_from_json(json: View, error: *mut OwnedString) -> *mut TextTokenizer {
    unsafe { construct(error, || TextTokenizer::from_json(json.bytes())) }
}

#[repr(C)]
pub struct CBpe {
    tokens: *const View,
    kinds: *const u8,
    token_count: usize,
    merges: *const View,
    merge_count: usize,
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
pub unsafe extern "C" fn idleheads_sha256(bytes: View, digest: *mut u8) {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(unsafe { bytes.bytes() });
    unsafe { std::ptr::copy_nonoverlapping(hash.as_ptr(), digest, hash.len()) };
}

#[repr(C)]
pub struct CMessage {
    role: View,
    content: View,
}

#[repr(C)]
pub struct CChat {
    source: View,
    messages: *const CMessage,
    message_count: usize,
    bos_token: View,
    eos_token: View,
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
    unsafe {
        let chat = &*chat;
        run(text, error, || {
            let messages = slice(chat.messages, chat.message_count);
            let rendered = chat::render(&Chat {
                source: chat.source.text("the template")?,
                messages: messages.iter().enumerate().map(|item| message(item)).collect::<Result<_, _>>()?,
                bos_token: chat.bos_token.text("the BOS token")?,
                eos_token: chat.eos_token.text("the EOS token")?,
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

#[no_mangle]
pub unsafe extern "C" fn idleheads_parquet_rows(file: View, out: *mut OwnedString, error: *mut OwnedString) -> bool {
    unsafe { run(out, error, || Ok(rows::json_lines(file.bytes())?.into())) }
}
