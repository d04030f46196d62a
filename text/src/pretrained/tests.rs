use super::*;
use crate::tokenizer::TextTokenizer;

fn base() -> Value {
    json!({"version": "1.0", "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
           "use_regex": true}, "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġ": 2, "<s>": 3}, "merges": []}})
}

fn made(config: Value) -> Result<TextTokenizer, String> {
    let files = json!({"tokenizer_config": config, "special_tokens_map": null, "added_tokens": null,
                       "tokenizer_class": null});
    TextTokenizer::from_json(base().to_string().as_bytes(), &files.to_string())
}

fn ids(config: Value, text: &str) -> Vec<u32> {
    made(config).and_then(|tokenizer| tokenizer.encode(text, true)).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(config: Value) -> String {
    made(config).err().unwrap_or_else(|| "accepted".to_string())
}

#[test]
fn new_tokens_follow_the_vocabulary_in_the_order_of_their_ids() {
    let config =
        json!({"added_tokens_decoder": {"9": {"content": "<y>"}, "8": {"content": "<x>"}}, "eos_token": "<z>"});
    assert_eq!(ids(config, "<x><y><z>a"), [4, 5, 6, 0]);
}

#[test]
fn a_token_of_the_vocabulary_keeps_its_id() {
    assert_eq!(ids(json!({"bos_token": "<s>"}), "a<s>b"), [0, 3, 1]);
}

#[test]
fn flags_take_spaces() {
    let token = |lstrip: bool| json!({"added_tokens_decoder": {"4": {"content": "<x>", "lstrip": lstrip}}});
    assert_eq!(ids(token(true), "a <x>"), [0, 4]);
    assert_eq!(ids(token(false), "a <x>"), [0, 2, 4]);
}

#[test]
fn classes_add_their_own_tokens_and_bos() {
    assert_eq!(ids(json!({"tokenizer_class": "LlamaTokenizer"}), "a<unk></s>"), [3, 0, 5, 4]);
    let quiet = json!({"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false, "add_eos_token": true});
    assert_eq!(ids(quiet, "a"), [0, 4]);
}

#[test]
fn a_prefix_space_is_set_where_it_differs() {
    assert_eq!(ids(json!({"add_prefix_space": true}), "a"), [2, 0]);
    assert_eq!(ids(json!({}), "a"), [0]);
}

#[test]
fn special_ids_are_said_or_not() {
    let tokenizer = made(json!({"bos_token": null, "eos_token": "<s>"})).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(tokenizer.special_id("bos_token"), Some(None));
    assert_eq!(tokenizer.special_id("eos_token"), Some(Some(3)));
    assert_eq!(tokenizer.special_id("pad_token"), None);
}

#[test]
fn templates_have_the_tokens_of_files_and_class() {
    let settings = json!({"tokenizer_config": {"tokenizer_class": "LlamaTokenizer", "unk_token": null, "eos_token": "",
        "pad_token": {"content": "<p>"}, "extra_special_tokens": {"image_token": "<i>"}},
        "special_tokens_map": {"pad_token": "<q>", "additional_special_tokens": ["<a>", "<a>"]}});
    let tokens = files(&settings.to_string()).and_then(|files| template_tokens(&files));
    let named = [("bos_token", "<s>"), ("pad_token", "<q>"), ("image_token", "<i>")];
    let named = named.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    assert_eq!(tokens, Ok(TemplateTokens { named, additional_special_tokens: vec!["<a>".to_string()] }));
}

#[test]
fn what_may_change_ids_is_refused_by_name() {
    assert!(refused(json!({"prepend_scheme": "first"})).contains("prepend_scheme is not supported"));
    assert!(refused(json!({"tokenizer_class": "CLIPTokenizer"})).contains("'CLIPTokenizer' is not supported"));
    assert!(refused(json!({"init_inputs": [1]})).contains("init_inputs"));
    assert!(refused(json!({"bos_token": 3})).contains("bos_token is number, expected a token"));
    assert!(refused(json!({"extra_special_tokens": ["<x>"]})).contains("extra_special_tokens is array"));
    assert!(refused(json!({"tokenizer_class": "LlamaTokenizer", "bos_token": null})).contains("there is no bos_token"));
    assert_eq!(refused(json!({"image_token": "<image>", "model_max_length": 5})), "accepted");
}

#[test]
fn pieces_get_the_steps_that_transformers_makes_anew() {
    let mut pieces = base();
    pieces["pre_tokenizer"] = Value::Null;
    pieces["model"]["byte_fallback"] = true.into();
    pieces["model"]["vocab"]["▁"] = 4.into();
    let encode = |config: Value| {
        let files = json!({"tokenizer_config": config, "special_tokens_map": null, "added_tokens": null,
                           "tokenizer_class": "LlamaTokenizer"});
        TextTokenizer::from_json(pieces.to_string().as_bytes(), &files.to_string())
            .and_then(|tokenizer| tokenizer.encode("a b", false))
    };
    assert_eq!(encode(json!({"add_prefix_space": true})), Ok(vec![4, 0, 4, 1]));
    assert_eq!(encode(json!({"add_prefix_space": false})), Ok(vec![0, 4, 1]));
    assert_eq!(encode(json!({"add_prefix_space": true, "legacy": false})), Ok(vec![4, 0, 4, 1]));
}
