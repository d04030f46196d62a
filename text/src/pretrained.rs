//! The files beside tokenizer.json, as transformers 4.48.2 applies them when AutoTokenizer loads a folder with a fast
//! tokenizer: tokens that tokenizer.json lacks, flags of tokens, the space before a text, BOS and EOS.
//! What would change token ids and is not understood is refused by name.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{json, Map, Value};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer};

use crate::tokenizer_bounds::{check_added, Plan};
use crate::tokenizer_class::{Class, KEYS_WITHOUT_EFFECT};

/// The files as JSON objects; null for a file that is not there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    tokenizer_config: Option<Map<String, Value>>,
    special_tokens_map: Option<Map<String, Value>>,
    added_tokens: Option<Map<String, Value>>,
    /// The class that config.json leads to, for a tokenizer_config.json without one.
    tokenizer_class: Option<String>,
}

pub fn files(json: &str) -> Result<Files, String> {
    serde_json::from_str(json).map_err(|error| format!("the settings: {error}"))
}

/// What the files say of bos_token and so on: its id, None for "no such token". A name that they do not mention is missing.
pub type SpecialIds = HashMap<String, Option<u32>>;

const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";
const LEGACY: &str = "added_tokens.json";

// transformers' order, in which tokens that are new get their ids.
const NAMES: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
const ADDITIONAL: &str = "additional_special_tokens";

/// A token with flags. Without `normalized` it is normalized unless it is special.
#[derive(Clone, Debug, Default, PartialEq)]
struct Flagged {
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: Option<bool>,
    special: bool,
}

impl Flagged {
    fn special(content: &str) -> Self {
        Flagged { content: content.to_string(), special: true, ..Default::default() }
    }

    fn token(&self) -> AddedToken {
        AddedToken {
            content: self.content.clone(),
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            normalized: self.normalized.unwrap_or(!self.special),
            special: self.special,
        }
    }
}

impl From<&AddedToken> for Flagged {
    fn from(token: &AddedToken) -> Self {
        Flagged {
            content: token.content.clone(),
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: Some(token.normalized),
            special: token.special,
        }
    }
}

/// A special token as a setting gives it. transformers adds a plain text only if no added token has that text, one with
/// flags unless there is the same with the same flags.
#[derive(Clone, Debug, PartialEq)]
enum Special {
    Text(String),
    Flagged(Flagged),
}

impl Special {
    fn content(&self) -> &str {
        match self {
            Special::Text(text) => text,
            Special::Flagged(token) => &token.content,
        }
    }

    fn flagged(&self) -> Flagged {
        match self {
            Special::Text(text) => Flagged::special(text),
            Special::Flagged(token) => token.clone(),
        }
    }
}

/// The special tokens that a chat template has as variables: transformers' special_tokens_map.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct TemplateTokens {
    named: BTreeMap<String, String>,
    additional_special_tokens: Vec<String>,
}

pub fn template_tokens(files: &Files) -> Result<TemplateTokens, String> {
    let settings = Settings::new(files)?;
    let class = settings.class(files)?;
    let specials = settings.special_tokens(class, &BTreeMap::new())?;
    let specials = specials.into_iter().filter_map(|(name, special)| Some((name.to_string(), special?)));
    let named = specials.chain(settings.extra()?).map(|(name, special)| (name, special.content().to_string()));
    let mut seen = HashSet::new();
    let additional = settings.additional()?.into_iter().map(|special| special.content().to_string());
    Ok(TemplateTokens {
        named: named.filter(|(_, text)| !text.is_empty()).collect(),
        additional_special_tokens: additional.filter(|text| !text.is_empty() && seen.insert(text.clone())).collect(),
    })
}

/// Changes a tokenizer that was made of tokenizer.json alone.
pub fn apply(tokenizer: &mut Tokenizer, files: Files, plan: &Plan) -> Result<SpecialIds, String> {
    let settings = Settings::new(&files)?;
    let class = settings.class(&files)?;
    settings.check_keys()?;
    if class.sentencepiece {
        settings.rebuild_steps(tokenizer, plan)?;
    }
    let mut listed = settings.listed_tokens(files.added_tokens.as_ref(), plan)?;
    let specials = settings.special_tokens(class, &listed)?;
    let all = settings.all_special(&specials)?;
    tokenizer.set_encode_special_tokens(settings.flag("split_special_tokens")?.unwrap_or(false));

    let texts: HashSet<&str> = all.iter().map(Special::content).collect();
    let known: HashSet<String> = tokenizer.get_added_tokens_decoder().into_values().map(|t| t.content).collect();
    let missing = |special: &&Special| match special {
        Special::Text(text) => !known.contains(text) && !listed.values().any(|token| token.content == *text),
        Special::Flagged(token) => !listed.values().any(|listed| listed.token() == token.token()),
    };
    let missing: Vec<Flagged> = all.iter().filter(missing).map(Special::flagged).collect();
    for token in listed.values_mut() {
        token.special |= texts.contains(token.content.as_str());
    }
    let missing = missing.into_iter().map(|token| Flagged { special: true, ..token });
    let added: Vec<AddedToken> = listed.into_values().chain(missing).map(|token| token.token()).collect();
    check_added(added.iter(), plan.growth)?;
    tokenizer.add_tokens(added).map_err(|error| error.to_string())?;

    set_prefix_space(tokenizer, settings.prefix_space(class)?);
    let ids = specials.into_iter().map(|(name, special)| {
        let id = special.and_then(|special| tokenizer.token_to_id(special.content()));
        (name.to_string(), id)
    });
    let ids = ids.collect();
    if let Some(defaults) = class.adds {
        set_bos_and_eos(tokenizer, &settings, defaults, &ids)?;
    }
    Ok(ids)
}

/// tokenizer_config.json with what special_tokens_map.json changes in it.
struct Settings {
    values: Map<String, Value>,
    /// The file that a value comes from.
    from_map: HashSet<String>,
}

impl Settings {
    fn new(files: &Files) -> Result<Self, String> {
        let mut settings =
            Settings { values: files.tokenizer_config.clone().unwrap_or_default(), from_map: HashSet::new() };
        if settings.values.contains_key("added_tokens_decoder") {
            return Ok(settings); // a newer folder, where the map only repeats
        }
        for (key, value) in files.special_tokens_map.iter().flatten() {
            let mut value = value.clone();
            if key == ADDITIONAL && value.is_array() {
                value = settings.joined(value)?;
            } else if let Value::Object(token) = &mut value {
                token.insert("special".to_string(), true.into());
            }
            settings.values.insert(key.clone(), value);
            settings.from_map.insert(key.clone());
        }
        Ok(settings)
    }

    /// The additional tokens of both files, those of tokenizer_config.json first.
    fn joined(&self, more: Value) -> Result<Value, String> {
        let mut all = match self.values.get(ADDITIONAL) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(_) => return Err(format!("{CONFIG}: {ADDITIONAL} is not a list")),
        };
        for mut token in more.as_array().cloned().unwrap_or_default() {
            if let Value::Object(token) = &mut token {
                token.insert("special".to_string(), true.into());
            }
            if !all.contains(&token) {
                all.push(token);
            }
        }
        Ok(all.into())
    }

    fn file(&self, key: &str) -> &'static str {
        if self.from_map.contains(key) {
            MAP
        } else {
            CONFIG
        }
    }

    fn wrong(&self, key: &str, expected: &str) -> String {
        format!("{}: {key} is {}, expected {expected}", self.file(key), kind_of(&self.values[key]))
    }

    fn class(&self, files: &Files) -> Result<&'static Class, String> {
        let name = match self.values.get("tokenizer_class") {
            None | Some(Value::Null) => files.tokenizer_class.as_deref().unwrap_or("PreTrainedTokenizerFast"),
            Some(Value::String(name)) => name,
            Some(_) => return Err(self.wrong("tokenizer_class", "a name")),
        };
        Class::find(name)
    }

    fn check_keys(&self) -> Result<(), String> {
        let refuse = |key: &str, why: &str| Err(format!("{}: {key} is not supported: {why}", self.file(key)));
        for (key, value) in &self.values {
            match key.as_str() {
                "from_slow" if value == true => return refuse(key, "transformers then makes another tokenizer"),
                "tokenizer_file" => {
                    return refuse(key, "transformers then does not read tokenizer.json; remove the key")
                }
                "init_inputs" if value.as_array().is_some_and(|list| !list.is_empty()) => {
                    return refuse(key, "only an empty list is");
                }
                "fast_tokenizer_files" if *value != json!(["tokenizer.json"]) => {
                    return refuse(key, "transformers then chooses a file by its own version");
                }
                _ if is_known(key) => {}
                _ => return refuse(key, "it may change token ids; remove it if it does not"),
            }
        }
        Ok(())
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    fn special(&self, key: &str, value: &Value) -> Result<Option<Special>, String> {
        match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(Special::Text(text.clone()))),
            Value::Object(_) => Ok(Some(Special::Flagged(flagged(value, self.file(key), key)?))),
            _ => Err(self.wrong(key, "a token")),
        }
    }

    /// Tokens that the files list with their ids, which order them. An id itself does not count.
    fn listed_tokens(
        &self,
        legacy: Option<&Map<String, Value>>,
        plan: &Plan,
    ) -> Result<BTreeMap<i64, Flagged>, String> {
        let mut listed = BTreeMap::new();
        if let Some(value) = self.values.get("added_tokens_decoder") {
            let Value::Object(tokens) = value else { return Err(self.wrong("added_tokens_decoder", "an object")) };
            for (id, token) in tokens {
                let number = id.parse().map_err(|_| format!("{CONFIG}: added_tokens_decoder has the id '{id}'"))?;
                listed.insert(number, flagged(token, CONFIG, "added_tokens_decoder")?);
            }
            return Ok(listed);
        }
        let texts = self.special_texts()?;
        for (text, id) in legacy.into_iter().flatten() {
            let id = id.as_i64().ok_or_else(|| format!("{LEGACY}: the id of '{text}' is not a number"))?;
            let special = texts.contains(text);
            let token = Flagged { content: text.clone(), special, normalized: Some(!special), ..Default::default() };
            if let Some(other) = listed.insert(id, token) {
                return Err(format!("{LEGACY}: '{}' and '{text}' have the same id {id}", other.content));
            }
        }
        listed.extend(plan.added_tokens.iter().map(|stated| (stated.id, Flagged::from(&stated.token))));
        Ok(listed)
    }

    fn special_texts(&self) -> Result<HashSet<String>, String> {
        let mut texts = HashSet::new();
        for name in NAMES {
            let special = self.values.get(name).map(|value| self.special(name, value)).transpose()?.flatten();
            // transformers does not look into a token with flags of tokenizer_config.json here.
            let special = special.filter(|special| matches!(special, Special::Text(_)) || self.from_map.contains(name));
            texts.extend(special.map(|special| special.content().to_string()));
        }
        texts.extend(self.additional()?.iter().map(|special| special.content().to_string()));
        Ok(texts)
    }

    /// bos_token and so on: what the files say, else the class. A token that is listed has the flags that the list gives it.
    fn special_tokens(
        &self,
        class: &Class,
        listed: &BTreeMap<i64, Flagged>,
    ) -> Result<Vec<(&'static str, Option<Special>)>, String> {
        let mut specials = Vec::new();
        for name in NAMES {
            let default = class.default_token(name).map(|text| Special::Text(text.to_string()));
            let mut special = match self.values.get(name) {
                None if default.is_none() => continue,
                None => default,
                Some(value) => self.special(name, value)?.map(|special| {
                    let same = |token: &&Flagged| token.content == special.content();
                    listed.values().rfind(same).map_or(special.clone(), |token| Special::Flagged(token.clone()))
                }),
            };
            if let Some(Special::Text(text)) = special.as_ref().filter(|_| class.flags_texts) {
                special = Some(Special::Flagged(Flagged { normalized: Some(false), ..Flagged::special(text) }));
            }
            specials.push((name, special));
        }
        Ok(specials)
    }

    fn additional(&self) -> Result<Vec<Special>, String> {
        let tokens = match self.values.get(ADDITIONAL) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(tokens)) => tokens,
            Some(_) => return Err(self.wrong(ADDITIONAL, "a list of tokens")),
        };
        let token =
            |value| self.special(ADDITIONAL, value)?.ok_or_else(|| self.wrong(ADDITIONAL, "tokens in the list"));
        tokens.iter().map(token).collect()
    }

    /// Special tokens of names that only this model has.
    fn extra(&self) -> Result<Vec<(String, Special)>, String> {
        let key = "extra_special_tokens";
        match self.values.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.is_empty() => Ok(Vec::new()),
            Some(Value::Object(tokens)) => {
                let token = |value| self.special(key, value)?.ok_or_else(|| self.wrong(key, "tokens"));
                tokens.iter().map(|(name, value)| Ok((name.clone(), token(value)?))).collect()
            }
            Some(_) => Err(self.wrong(key, "an object of names and tokens")),
        }
    }

    /// All special tokens in transformers' order, each text once.
    fn all_special(&self, named: &[(&str, Option<Special>)]) -> Result<Vec<Special>, String> {
        let named = named.iter().filter_map(|(_, special)| special.clone());
        let extra = self.extra()?.into_iter().map(|(_, special)| special);
        let mut seen = HashSet::new();
        let mut all: Vec<Special> = named.chain(self.additional()?).chain(extra).collect();
        all.retain(|special| !special.content().is_empty() && seen.insert(special.content().to_string()));
        Ok(all)
    }

    /// Whether the byte-level step puts a space before a text; None leaves it as tokenizer.json has it.
    fn prefix_space(&self, class: &Class) -> Result<Option<bool>, String> {
        let flag = self.flag("add_prefix_space")?;
        Ok(if self.values.contains_key("add_prefix_space") { flag } else { class.prefix_space })
    }

    /// transformers makes the tokenizer anew from tokenizer.model if add_prefix_space is set: the same pieces and merges
    /// with these steps.
    fn rebuild_steps(&self, tokenizer: &mut Tokenizer, plan: &Plan) -> Result<(), String> {
        let Some(prefix) = self.flag("add_prefix_space")? else { return Ok(()) };
        if !plan.byte_fallback {
            return Err(format!(
                "{CONFIG}: add_prefix_space is not supported with this class: transformers then makes another tokenizer from tokenizer.model"
            ));
        }
        let legacy = self.flag("legacy")?.unwrap_or(true);
        let prepend = json!({"type": "Prepend", "prepend": "▁"});
        let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        let normalizer = json!({"type": "Sequence",
            "normalizers": if prefix { vec![prepend, replace] } else { vec![replace] }});
        let scheme = if prefix { "first" } else { "never" };
        let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false});
        let normalizer: Option<NormalizerWrapper> = legacy.then(|| part(normalizer)).transpose()?;
        let pre_tokenizer: Option<PreTokenizerWrapper> = (!legacy).then(|| part(metaspace)).transpose()?;
        let decoder: DecoderWrapper = part(sentencepiece_decoder(prefix))?;
        tokenizer.with_normalizer(normalizer).map_err(|error| error.to_string())?;
        tokenizer.with_pre_tokenizer(pre_tokenizer);
        tokenizer.with_decoder(Some(decoder));
        Ok(())
    }
}

/// The decoder of a sentencepiece vocabulary whose texts may begin with a space that is not theirs.
pub fn sentencepiece_decoder(prefix: bool) -> Value {
    let mut steps = vec![
        json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if prefix {
        steps.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    json!({"type": "Sequence", "decoders": steps})
}

fn part<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_known(key: &str) -> bool {
    const KNOWN: [&str; 9] = [
        "added_tokens_decoder",
        ADDITIONAL,
        "extra_special_tokens",
        "split_special_tokens",
        "add_prefix_space",
        "add_bos_token",
        "add_eos_token",
        "from_slow",
        "legacy",
    ];
    // Names such as image_token are for programs that ask for them; transformers adds none of these tokens.
    let names_token = !key.starts_with("add_") && (key.ends_with("_token") || key.ends_with("_token_id"));
    KNOWN.contains(&key) || KEYS_WITHOUT_EFFECT.contains(&key) || names_token
}

/// A token that is an object: transformers' AddedToken.
fn flagged(value: &Value, file: &str, key: &str) -> Result<Flagged, String> {
    let wrong = |what: String| format!("{file}: {key} has a token {what}");
    let Value::Object(fields) = value else { return Err(wrong(format!("that is {}", kind_of(value)))) };
    let mut token = Flagged::default();
    for (name, field) in fields {
        let flag = || field.as_bool().ok_or_else(|| wrong(format!("whose {name} is not true or false")));
        match name.as_str() {
            "content" => token.content = field.as_str().ok_or_else(|| wrong("without a text".into()))?.to_string(),
            "single_word" => token.single_word = flag()?,
            "lstrip" => token.lstrip = flag()?,
            "rstrip" => token.rstrip = flag()?,
            "normalized" => token.normalized = Some(flag()?),
            "special" => token.special = flag()?,
            "__type" | "id" => {}
            _ => return Err(wrong(format!("with the unknown flag '{name}'"))),
        }
    }
    if token.content.is_empty() && !fields.contains_key("content") {
        return Err(wrong("without content".into()));
    }
    Ok(token)
}

/// Only a byte-level step that stands alone has the setting.
fn set_prefix_space(tokenizer: &mut Tokenizer, prefix: Option<bool>) {
    let Some(PreTokenizerWrapper::ByteLevel(step)) = tokenizer.get_pre_tokenizer() else { return };
    let Some(prefix) = prefix.filter(|prefix| *prefix != step.add_prefix_space) else { return };
    let changed = ByteLevel::new(prefix, step.trim_offsets, step.use_regex);
    tokenizer.with_pre_tokenizer(Some(changed));
}

/// Replaces the post-processor, as the classes do that have add_bos_token and add_eos_token.
fn set_bos_and_eos(
    tokenizer: &mut Tokenizer,
    settings: &Settings,
    defaults: (bool, bool),
    ids: &SpecialIds,
) -> Result<(), String> {
    let adds = |key: &str, default: bool, name: &str| -> Result<Option<u32>, String> {
        let wanted = settings.flag(key)?.unwrap_or(default && !settings.values.contains_key(key));
        match ids.get(name).copied().flatten() {
            _ if !wanted => Ok(None),
            None => Err(format!("{CONFIG}: {key} is true, but there is no {name}")),
            id => Ok(id),
        }
    };
    let bos = adds("add_bos_token", defaults.0, "bos_token")?;
    let eos = adds("add_eos_token", defaults.1, "eos_token")?;
    let piece = |name: &str, id: Option<u32>| id.map(|_| json!({"SpecialToken": {"id": name, "type_id": 0}}));
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    let pieces: Vec<Value> = [piece("bos", bos), Some(text), piece("eos", eos)].into_iter().flatten().collect();
    let token = |name: &str, id: Option<u32>| {
        id.map(|id| (name.to_string(), json!({"id": name, "ids": [id], "tokens": [name]})))
    };
    let tokens: Map<String, Value> = [token("bos", bos), token("eos", eos)].into_iter().flatten().collect();
    let pair = [pieces.clone(), vec![json!({"Sequence": {"id": "B", "type_id": 1}})]].concat();
    let template: PostProcessorWrapper =
        part(json!({"type": "TemplateProcessing", "single": pieces, "pair": pair, "special_tokens": tokens}))?;
    tokenizer.with_post_processor(Some(template));
    Ok(())
}

#[cfg(test)]
mod tests;
