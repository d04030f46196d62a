//! transformers' classes of fast tokenizers that models of the supported families have: what each does beyond tokenizer.json.

pub struct Class {
    /// Without "Fast" at the end: transformers takes the fast class for both names.
    name: &'static str,
    /// Tokens that the class has where no file speaks of them. transformers adds them to the vocabulary.
    tokens: &'static [(&'static str, &'static str)],
    /// Special tokens given as plain texts get flags.
    pub flags_texts: bool,
    /// The defaults of add_bos_token and add_eos_token for a class that replaces the post-processor.
    pub adds: Option<(bool, bool)>,
    /// The default of add_prefix_space. None leaves tokenizer.json's.
    pub prefix_space: Option<bool>,
    /// add_prefix_space has the tokenizer made anew from tokenizer.model.
    pub sentencepiece: bool,
}

const PLAIN: Class = Class {
    name: "PreTrainedTokenizer",
    tokens: &[],
    flags_texts: false,
    adds: None,
    prefix_space: Some(false),
    sentencepiece: false,
};
const END_OF_TEXT: &str = "<|endoftext|>";

const CLASSES: [Class; 6] = [
    PLAIN,
    Class {
        name: "LlamaTokenizer",
        tokens: &[("unk_token", "<unk>"), ("bos_token", "<s>"), ("eos_token", "</s>")],
        adds: Some((true, false)),
        prefix_space: None,
        sentencepiece: true,
        ..PLAIN
    },
    Class {
        name: "GemmaTokenizer",
        tokens: &[("unk_token", "<unk>"), ("bos_token", "<bos>"), ("eos_token", "<eos>"), ("pad_token", "<pad>")],
        adds: Some((true, false)),
        ..PLAIN
    },
    Class {
        name: "Qwen2Tokenizer",
        tokens: &[("unk_token", END_OF_TEXT), ("eos_token", END_OF_TEXT), ("pad_token", END_OF_TEXT)],
        flags_texts: true,
        ..PLAIN
    },
    Class {
        name: "GPT2Tokenizer",
        tokens: &[("unk_token", END_OF_TEXT), ("bos_token", END_OF_TEXT), ("eos_token", END_OF_TEXT)],
        ..PLAIN
    },
    Class {
        name: "GPTNeoXTokenizer",
        tokens: &[("unk_token", END_OF_TEXT), ("bos_token", END_OF_TEXT), ("eos_token", END_OF_TEXT)],
        adds: Some((false, false)),
        ..PLAIN
    },
];

impl Class {
    pub fn find(name: &str) -> Result<&'static Class, String> {
        let slow = name.strip_suffix("Fast").unwrap_or(name);
        CLASSES.iter().find(|class| class.name == slow).ok_or_else(|| {
            let known: Vec<&str> = CLASSES.iter().map(|class| class.name).collect();
            format!("tokenizer_class '{name}' is not supported; supported, with or without Fast: {}", known.join(", "))
        })
    }

    pub fn default_token(&self, name: &str) -> Option<&'static str> {
        self.tokens.iter().find(|(key, _)| *key == name).map(|(_, text)| *text)
    }
}

/// Keys of tokenizer_config.json that no class above makes token ids from.
pub const KEYS_WITHOUT_EFFECT: [&str; 52] = [
    "_commit_hash",
    "_from_auto",
    "added_tokens_file",
    "auto_map",
    "backend",
    "cache_dir",
    "chat_template",
    "clean_up_tokenization_spaces", // of texts made from ids
    "clean_text",
    "device_map",
    "do_basic_tokenize",
    "do_lower_case", // of the slow tokenizers, like the next ones of this kind
    "errors",
    "fast_tokenizer_files", // checked: tokenizer.json only
    "full_tokenizer_file",
    "init_inputs", // checked: empty
    "is_local",
    "keep_accents",
    "local_files_only",
    "max_len",
    "max_length", // no caller here asks for cutting or padding
    "merges_file",
    "model_input_names",
    "model_max_length",
    "model_type",
    "name_or_path",
    "never_split",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "padding",
    "padding_side",
    "padding_strategy",
    "processor_class",
    "remove_space",
    "return_tensors",
    "return_token_type_ids",
    "revision",
    "sp_model_kwargs",
    "spaces_between_special_tokens",
    "special_tokens_map_file",
    "stride",
    "strip_accents",
    "tokenize_chinese_chars",
    "tokenizer_class",
    "transformers_version",
    "truncation",
    "truncation_side",
    "truncation_strategy",
    "trust_remote_code",
    "use_default_system_prompt",
    "use_fast",
    "vocab_file",
];
