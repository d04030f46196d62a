//! Hugging Face's tokenizer, made from a tokenizer.json or from a vocabulary and merges in memory.

use serde::Deserialize;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{Vocab, BPE};
use tokenizers::models::ModelWrapper;
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// What `idleheads_bpe` holds.
pub struct Bpe<'a> {
    pub tokens: Vec<&'a str>,
    pub kinds: &'a [u8],
    pub merges: Vec<&'a str>,
    pub settings: &'a str,
}

const SPECIAL: u8 = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    pre_tokenizer: PreTokenizerWrapper,
    normalizer: Option<NormalizerWrapper>,
    ignore_merges: bool,
}

pub struct TextTokenizer {
    tokenizer: Tokenizer,
    size: usize,
}

impl TextTokenizer {
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
        // They are set by the caller of a Hugging Face tokenizer, not by its file.
        tokenizer.with_padding(None).with_truncation(None).map_err(|error| error.to_string())?;
        Ok(Self::new(tokenizer))
    }

    pub fn from_bpe(bpe: &Bpe) -> Result<Self, String> {
        let settings: Settings = serde_json::from_str(bpe.settings).map_err(|error| format!("the settings: {error}"))?;
        let vocabulary = vocabulary(&bpe.tokens)?;
        let merges = merges(&bpe.merges, &vocabulary)?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .ignore_merges(settings.ignore_merges)
            .build()
            .map_err(|error| error.to_string())?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(settings.normalizer).map_err(|error| error.to_string())?;
        tokenizer.with_pre_tokenizer(Some(settings.pre_tokenizer));
        tokenizer.with_decoder(Some(ByteLevel::default()));
        let added = bpe.tokens.iter().zip(bpe.kinds).filter(|(_, kind)| **kind != 0);
        let added = added.map(|(text, kind)| AddedToken::from(*text, *kind == SPECIAL).normalized(false));
        tokenizer.add_tokens(added).map_err(|error| error.to_string())?;
        Ok(Self::new(tokenizer))
    }

    fn new(tokenizer: Tokenizer) -> Self {
        let size = tokenizer.get_vocab_size(true);
        TextTokenizer { tokenizer, size }
    }

    pub fn model(&self) -> &'static str {
        match self.tokenizer.get_model() {
            ModelWrapper::BPE(_) => "BPE",
            ModelWrapper::WordPiece(_) => "WordPiece",
            ModelWrapper::WordLevel(_) => "WordLevel",
            ModelWrapper::Unigram(_) => "Unigram",
        }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    pub fn encode(&self, text: &str, add_special_tokens: bool) -> Result<Vec<u32>, String> {
        let encoding = self.tokenizer.encode_fast(text, add_special_tokens);
        Ok(encoding.map_err(|error| error.to_string())?.get_ids().to_vec())
    }

    pub fn decode(&self, ids: &[u32], skip_special_tokens: bool) -> Result<String, String> {
        if let Some(id) = ids.iter().find(|id| self.token(**id).is_none()) {
            return Err(format!("token id {id} is not in the vocabulary of {} tokens", self.size));
        }
        self.tokenizer.decode(ids, skip_special_tokens).map_err(|error| error.to_string())
    }
}

fn vocabulary(tokens: &[&str]) -> Result<Vocab, String> {
    let mut vocabulary = Vocab::with_capacity(tokens.len());
    for (id, token) in tokens.iter().enumerate() {
        if let Some(first) = vocabulary.insert(token.to_string(), id as u32) {
            return Err(format!("token '{token}' stands twice in the vocabulary, as {first} and {id}"));
        }
    }
    Ok(vocabulary)
}

/// Each merge as its two tokens. The model's builder looks the tokens up again, but it does not say which merge is wrong
/// and takes for granted that what a merge makes is no longer than the longest token.
fn merges(merges: &[&str], vocabulary: &Vocab) -> Result<Vec<(String, String)>, String> {
    let mut joined = String::new();
    let mut split = |(rank, merge): (usize, &&str)| {
        let wrong = |why: &str| format!("merge {rank} '{merge}' {why}");
        let (left, right) = merge.split_once(' ').ok_or_else(|| wrong("is not two tokens"))?;
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        if ![left, right, &joined].iter().all(|token| vocabulary.contains_key(*token)) {
            return Err(wrong("names a token that is not in the vocabulary"));
        }
        Ok((left.to_string(), right.to_string()))
    };
    merges.iter().enumerate().map(&mut split).collect()
}
