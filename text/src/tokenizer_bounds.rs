//! What a tokenizer.json may ask for. Its parts may come from strangers: 40 replacements of one letter by two make 2^40
//! letters of one. So the parts are counted, and how much they can lengthen a text is bounded, before any of them is built.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::Value;

// Gemma 3's 33 MB with 1.5 million elements are the largest tokenizer.json known.
const MAX_FILE_BYTES: usize = 128 << 20;
const MAX_ELEMENTS: usize = 8_000_000;
/// The longest normalizer, pre-tokenizer, post-processor or decoder: a normalizer may hold a table of 400 kB.
const MAX_PART_BYTES: usize = 4 << 20;
/// Normalizers in all, and the same for each other kind of part. Published tokenizers have up to 10.
const MAX_STEPS: usize = 16;
const MAX_PATTERN_BYTES: usize = 16 << 10;
/// Bytes that the parts may make of one byte. 400 is the most that those of published tokenizers could.
const MAX_GROWTH: f64 = 4096.0;
/// A growth that every text may have; with a larger one the text may become at most MAX_GROWN_BYTES long.
const EVERYDAY_GROWTH: f64 = 16.0;
const MAX_GROWN_BYTES: f64 = (16 << 20) as f64;
/// All added tokens, and all pieces of a Unigram model: a search tree is built of them that takes about 300 times as much.
const MAX_TREE_BYTES: usize = 4 << 20;
const MAX_WORD_CHARS: u64 = 1000; // WordPiece takes the square of it

/// An added token as tokenizer.json writes it.
#[derive(Clone, Deserialize)]
pub struct StatedToken {
    pub id: i64,
    #[serde(flatten)]
    pub token: tokenizers::AddedToken,
}

/// What is known of a tokenizer before it is built.
pub struct Plan {
    pub growth: Growth,
    pub added_tokens: Vec<StatedToken>,
    /// A model with pieces for single bytes, as sentencepiece makes them.
    pub byte_fallback: bool,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    normalizer: Option<&'a RawValue>,
    #[serde(borrow)]
    pre_tokenizer: Option<&'a RawValue>,
    #[serde(borrow)]
    post_processor: Option<&'a RawValue>,
    #[serde(borrow)]
    decoder: Option<&'a RawValue>,
    added_tokens: Option<Vec<StatedToken>>,
    #[serde(borrow)]
    model: Option<Model<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    dropout: Option<f64>,
    max_input_chars_per_word: Option<u64>,
    byte_fallback: Option<bool>,
    #[serde(borrow)]
    vocab: Option<&'a RawValue>,
}

/// How many bytes the parts make of one byte at most.
#[derive(Clone, Copy)]
pub struct Growth(f64);

impl Growth {
    /// Of parts that are known to be harmless.
    pub const EVERYDAY: Growth = Growth(EVERYDAY_GROWTH);

    pub fn check(self, bytes: usize, what: &str) -> Result<(), String> {
        let grown = bytes as f64 * self.0;
        if self.0 <= EVERYDAY_GROWTH || grown <= MAX_GROWN_BYTES {
            return Ok(());
        }
        Err(format!(
            "the normalizers and pre-tokenizers could make {grown:.0} bytes of {bytes} bytes of {what}; at most {MAX_GROWN_BYTES} are allowed"
        ))
    }
}

/// Reads and checks all parts of a tokenizer.json but its vocabulary and merges.
pub fn check(json: &[u8]) -> Result<Plan, String> {
    if json.len() > MAX_FILE_BYTES {
        return Err(format!("{} bytes; a tokenizer of more than {MAX_FILE_BYTES} is not read", json.len()));
    }
    let elements = json.iter().filter(|byte| **byte == b',').count();
    if elements > MAX_ELEMENTS {
        return Err(format!("{elements} elements; a tokenizer of more than {MAX_ELEMENTS} is not read"));
    }
    let file: File = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let growth = Growth(
        product(&steps(file.normalizer, "normalizer", "normalizers")?, normalizer_growth)?
            * product(&steps(file.pre_tokenizer, "pre-tokenizer", "pretokenizers")?, pre_tokenizer_growth)?,
    );
    if growth.0 > MAX_GROWTH {
        return Err(format!(
            "the normalizers and pre-tokenizers could make {:e} bytes of one; at most {MAX_GROWTH} are allowed",
            growth.0
        ));
    }
    for processor in steps(file.post_processor, "post-processor", "processors")? {
        check_template(&processor)?;
    }
    let decoders = product(&steps(file.decoder, "decoder", "decoders")?, decoder_growth)?;
    if decoders > MAX_GROWTH {
        return Err(format!("the decoders could make {decoders:e} bytes of one; at most {MAX_GROWTH} are allowed"));
    }
    let added_tokens = file.added_tokens.unwrap_or_default();
    check_added(added_tokens.iter().map(|stated| &stated.token), growth)?;
    check_ids(&added_tokens)?;
    let byte_fallback = file.model.as_ref().and_then(|model| model.byte_fallback).unwrap_or(false);
    if let Some(model) = file.model {
        check_model(&model)?;
    }
    Ok(Plan { growth, added_tokens, byte_fallback })
}

/// Tokens that are looked for in every text.
pub fn check_added<'a>(tokens: impl Iterator<Item = &'a tokenizers::AddedToken>, growth: Growth) -> Result<(), String> {
    let bytes = tokens.map(|token| token.content.len()).sum();
    growth.check(bytes, "added tokens")?;
    if bytes > MAX_TREE_BYTES {
        return Err(format!("the added tokens have {bytes} bytes; at most {MAX_TREE_BYTES} are allowed"));
    }
    Ok(())
}

fn check_ids(tokens: &[StatedToken]) -> Result<(), String> {
    let mut seen = std::collections::HashMap::new();
    for StatedToken { id, token } in tokens {
        if let Some(first) = seen.insert(id, &token.content) {
            return Err(format!("the added tokens '{first}' and '{}' have the same id {id}", token.content));
        }
    }
    Ok(())
}

fn check_model(model: &Model) -> Result<(), String> {
    if model.dropout.is_some_and(|dropout| dropout != 0.0) {
        return Err(format!(
            "the model has dropout {}, with which a text has other tokens each time; set it to null",
            model.dropout.unwrap_or_default()
        ));
    }
    if let Some(chars) = model.max_input_chars_per_word.filter(|chars| *chars > MAX_WORD_CHARS) {
        return Err(format!("max_input_chars_per_word is {chars}; at most {MAX_WORD_CHARS} is supported"));
    }
    // A Unigram model is the one whose vocabulary is a list.
    let pieces = model.vocab.filter(|vocab| model.kind.as_deref() == Some("Unigram") || vocab.get().starts_with('['));
    if let Some(pieces) = pieces {
        let pieces: Vec<(Cow<str>, f64)> = serde_json::from_str(pieces.get()).map_err(|error| error.to_string())?;
        let bytes: usize = pieces.iter().map(|(piece, _)| piece.len()).sum();
        if bytes > MAX_TREE_BYTES {
            return Err(format!("the pieces have {bytes} bytes; at most {MAX_TREE_BYTES} are allowed"));
        }
    }
    Ok(())
}

/// The parts of one kind in their order, sequences taken apart.
fn steps(part: Option<&RawValue>, what: &str, list: &str) -> Result<Vec<Value>, String> {
    let Some(part) = part else { return Ok(Vec::new()) };
    if part.get().len() > MAX_PART_BYTES {
        return Err(format!("the {what} has {} bytes; at most {MAX_PART_BYTES} are allowed", part.get().len()));
    }
    let mut steps = Vec::new();
    let value: Value = serde_json::from_str(part.get()).map_err(|error| format!("the {what}: {error}"))?;
    flatten(value, what, list, &mut steps)?;
    Ok(steps)
}

// As deep as the JSON reader allows: 128.
fn flatten(value: Value, what: &str, list: &str, steps: &mut Vec<Value>) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let Value::Object(mut object) = value else { return Err(format!("a {what} is not an object")) };
    if object.get("type").and_then(Value::as_str) == Some("Sequence") {
        let Some(Value::Array(parts)) = object.remove(list) else {
            return Err(format!("a sequence of {what}s without '{list}'"));
        };
        return parts.into_iter().try_for_each(|part| flatten(part, what, list, steps));
    }
    if steps.len() == MAX_STEPS {
        return Err(format!("more than {MAX_STEPS} {what}s"));
    }
    steps.push(Value::Object(object));
    Ok(())
}

fn product(steps: &[Value], of: fn(&str, &Value) -> Result<f64, String>) -> Result<f64, String> {
    let one = |step: &Value| match step["type"].as_str() {
        Some(kind) => of(kind, step),
        None => Err("a part without a type".to_string()),
    };
    steps.iter().map(one).product()
}

fn normalizer_growth(kind: &str, step: &Value) -> Result<f64, String> {
    match kind {
        "Strip" | "StripAccents" | "Nmt" => Ok(1.0),
        "ByteLevel" | "Lowercase" => Ok(2.0),
        // Unicode's FAQ on normalization: 3 times in UTF-8, with compatibility forms 11 times.
        "NFC" | "NFD" => Ok(3.0),
        "NFKC" | "NFKD" => Ok(11.0),
        "Bert" | "BertNormalizer" => Ok(6.0), // accents apart, spaces around each Chinese character
        "Prepend" => Ok(1.0 + text_of(step, "prepend")?.len() as f64), // before each part between added tokens
        "Replace" => replace_growth(step),
        "Precompiled" => Ok(precompiled_growth(text_of(step, "precompiled_charsmap")?)),
        _ => Err(format!("the normalizer '{kind}' is not known")),
    }
}

fn pre_tokenizer_growth(kind: &str, step: &Value) -> Result<f64, String> {
    match kind {
        "BertPreTokenizer" | "Delimiter" | "CharDelimiterSplit" | "Whitespace" | "WhitespaceSplit" | "Punctuation"
        | "Digits" | "UnicodeScripts" | "FixedLength" => Ok(1.0),
        "Split" => pattern_bytes(step).map(|_| 1.0),
        "ByteLevel" if step["add_prefix_space"] == false => Ok(2.0),
        "ByteLevel" => Ok(4.0),
        "Metaspace" => Ok(1.0 + text_of(step, "replacement")?.len() as f64),
        _ => Err(format!("the pre-tokenizer '{kind}' is not known")),
    }
}

fn decoder_growth(kind: &str, step: &Value) -> Result<f64, String> {
    if kind == "Replace" {
        replace_growth(step)
    } else {
        Ok(1.0)
    }
}

fn text_of<'a>(step: &'a Value, key: &str) -> Result<&'a str, String> {
    step[key].as_str().ok_or_else(|| format!("a normalizer or pre-tokenizer without '{key}'"))
}

/// The least number of bytes that a pattern takes from a text.
fn pattern_bytes(step: &Value) -> Result<usize, String> {
    let pattern = &step["pattern"];
    let Some(text) = pattern["String"].as_str().or(pattern["Regex"].as_str()) else {
        return Err("a step without a pattern".to_string());
    };
    if text.len() > MAX_PATTERN_BYTES {
        return Err(format!("a pattern has {} bytes; at most {MAX_PATTERN_BYTES} are allowed", text.len()));
    }
    Ok(if pattern["String"].is_string() { text.len() } else { 0 })
}

fn replace_growth(step: &Value) -> Result<f64, String> {
    let content = text_of(step, "content")?.len() as f64;
    Ok(match pattern_bytes(step)? {
        0 => 1.0 + content, // before each byte
        bytes => (content / bytes as f64).max(1.0),
    })
}

/// The longest text that a character may become. The table is a number, as many bytes of a search tree, and the texts,
/// each with a zero behind it. A table that is not valid is refused when it is built.
fn precompiled_growth(table: &str) -> f64 {
    let bytes = base64::decode(table).unwrap_or_default();
    let tree = bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize).saturating_add(4);
    let texts = bytes.get(tree..).unwrap_or(&bytes);
    texts.split(|byte| *byte == 0).map(<[u8]>::len).max().unwrap_or(0).max(1) as f64
}

/// A template takes the text's tokens once, else a few of them make any number.
fn check_template(processor: &Value) -> Result<(), String> {
    let Some(pieces) = processor["single"].as_array() else { return Ok(()) };
    if pieces.iter().filter(|piece| piece.get("Sequence").is_some()).count() == 1 {
        return Ok(());
    }
    Err("a post-processor's template takes the text not exactly once".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(part: &str, value: Value) -> String {
        let file = json!({ part: value }).to_string();
        check(file.as_bytes()).err().unwrap_or_else(|| "accepted".to_string())
    }

    fn growth_of(part: &str, value: Value) -> f64 {
        check(json!({ part: value }).to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}")).growth.0
    }

    fn replace(from: &str, to: &str) -> Value {
        json!({"type": "Replace", "pattern": {"String": from}, "content": to})
    }

    fn sequence(list: &str, parts: Vec<Value>) -> Value {
        json!({"type": "Sequence", list: parts})
    }

    #[test]
    fn published_parts_grow_little() {
        let llama = sequence("normalizers", vec![json!({"type": "Prepend", "prepend": "▁"}), replace(" ", "▁")]);
        assert_eq!(growth_of("normalizer", llama), 12.0);
        assert_eq!(growth_of("pre_tokenizer", json!({"type": "ByteLevel", "add_prefix_space": false})), 2.0);
        assert_eq!(growth_of("normalizer", Value::Null), 1.0);
    }

    #[test]
    fn growth_is_bounded_by_kind() {
        assert!(refused("normalizer", sequence("normalizers", vec![replace("a", "aa"); 13])).contains("8.192e3"));
        let inserted = json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "x".repeat(5000)});
        assert!(refused("normalizer", inserted).contains("5.001e3 bytes of one"));
        assert!(refused("normalizer", json!({"type": "Prepend", "prepend": "x".repeat(5000)})).contains("of one"));
        let spaces = json!({"type": "ByteLevel", "add_prefix_space": true});
        assert!(refused("pre_tokenizer", sequence("pretokenizers", vec![spaces; 7])).contains("1.6384e4"));
        assert!(refused("decoder", sequence("decoders", vec![replace("a", "aaaa"); 10])).contains("the decoders"));
    }

    #[test]
    fn a_table_counts_its_longest_text() {
        let table = [&4u32.to_le_bytes()[..], &[0; 4], b"ab\0", "x".repeat(5000).as_bytes(), b"\0"].concat();
        let text = base64::encode(table);
        assert!(refused("normalizer", json!({"type": "Precompiled", "precompiled_charsmap": text})).contains("5e3"));
    }

    #[test]
    fn parts_are_counted_wherever_they_are() {
        let two = sequence("normalizers", vec![json!({"type": "NFC"}); 2]);
        assert!(refused("normalizer", sequence("normalizers", vec![two; 9])).contains("more than 16 normalizers"));
        let digits = vec![json!({"type": "Digits"}); 17];
        assert!(refused("pre_tokenizer", sequence("pretokenizers", digits)).contains("more than 16 pre-tokenizers"));
        let byte_level = vec![json!({"type": "ByteLevel"}); 17];
        assert!(refused("post_processor", sequence("processors", byte_level)).contains("more than 16 post-processors"));
    }

    #[test]
    fn unknown_and_malformed_parts_are_refused() {
        assert!(refused("normalizer", json!({"type": "Poem"})).contains("'Poem' is not known"));
        assert!(refused("normalizer", json!({"lowercase": true})).contains("a part without a type"));
        assert!(refused("normalizer", json!([])).contains("not an object"));
        let long = json!({"type": "Split", "pattern": {"Regex": "a".repeat(20_000)}});
        assert!(refused("pre_tokenizer", long).contains("a pattern has 20000 bytes"));
        assert!(refused("decoder", json!({"type": "Fuse", "x": "y".repeat(5 << 20)})).contains("the decoder has"));
    }

    #[test]
    fn a_template_takes_the_text_once() {
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let twice = json!({"type": "TemplateProcessing", "single": [text, text]});
        assert!(refused("post_processor", twice).contains("not exactly once"));
        assert_eq!(growth_of("post_processor", json!({"type": "TemplateProcessing", "single": [text]})), 1.0);
    }

    #[test]
    fn chance_and_costly_models_are_refused() {
        assert!(refused("model", json!({"type": "BPE", "dropout": 0.1})).contains("dropout 0.1"));
        assert_eq!(growth_of("model", json!({"type": "BPE", "dropout": 0.0})), 1.0);
        assert!(refused("model", json!({"max_input_chars_per_word": 100000})).contains("at most 1000"));
        let pieces = json!({"type": "Unigram", "vocab": [["x".repeat(5 << 20), 0.0]]});
        assert!(refused("model", pieces).contains("the pieces have"));
    }

    #[test]
    fn added_tokens_are_counted_and_have_their_own_ids() {
        let token = |id: i64, text: String| {
            json!({"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        };
        assert!(refused("added_tokens", json!([token(1, "a".into()), token(1, "b".into())])).contains("same id 1"));
        assert!(refused("added_tokens", json!([token(1, "a".repeat(5 << 20))])).contains("the added tokens have"));
    }

    #[test]
    fn a_large_growth_allows_short_texts_only() {
        assert!(Growth(1000.0).check(1000, "text").is_ok());
        assert!(Growth(1000.0).check(1 << 20, "text").is_err());
        assert!(Growth(12.0).check(1 << 30, "text").is_ok());
    }
}
