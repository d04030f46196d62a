//! Renders the templates of tests/data/chat with each of their conversations, as JSON Lines for tools/compare_chat_templates.py.

use std::path::{Path, PathBuf};

use idleheads_text::chat::{render, Chat, Message, SpecialToken};
use serde_json::{json, Value};

type Failure = Box<dyn std::error::Error>;

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Failure> {
    value[key].as_str().ok_or_else(|| format!("{key} is no text").into())
}

fn special_tokens(inputs: &Value) -> Vec<SpecialToken<'_>> {
    let mut tokens = Vec::new();
    for (name, value) in inputs["special_tokens"].as_object().into_iter().flatten() {
        let listed = value.is_array();
        let texts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        tokens.extend(texts.iter().filter_map(Value::as_str).map(|text| SpecialToken { name, text, listed }));
    }
    tokens
}

fn rendered(source: &str, inputs: &Value, conversation: &str) -> Result<Result<String, String>, Failure> {
    let chat = &inputs["conversations"][conversation];
    let mut messages = Vec::new();
    for message in chat["messages"].as_array().into_iter().flatten() {
        messages.push(Message { role: text(message, "role")?, content: text(message, "content")? });
    }
    Ok(render(&Chat {
        source,
        messages,
        special_tokens: special_tokens(inputs),
        date: text(inputs, "date")?,
        add_generation_prompt: chat["add_generation_prompt"] == true,
    }))
}

fn main() -> Result<(), Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/chat");
    let inputs: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("inputs.json"))?)?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Failure>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    for path in files {
        for line in std::fs::read_to_string(path)?.lines() {
            let entry: Value = serde_json::from_str(line)?;
            for (conversation, _) in entry["results"].as_object().into_iter().flatten() {
                let (key, value) = match rendered(text(&entry, "template")?, &inputs, conversation)? {
                    Ok(text) => ("text", text),
                    Err(error) => ("error", error),
                };
                println!("{}", json!({"name": entry["name"], "conversation": conversation, key: value}));
            }
        }
    }
    Ok(())
}
