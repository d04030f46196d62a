//! Hugging Face's tokenizer, made from a tokenizer.json or from a vocabulary and merges in memory.

use std::collections::HashSet;

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
        let settings: Settings =
            serde_json::from_str(bpe.settings).map_err(|error| format!("the settings: {error}"))?;
        let vocabulary = vocabulary(&bpe.tokens)?;
        let longest = bpe.tokens.iter().map(|token| token.len()).max().unwrap_or(0);
        let merges = merges(&bpe.merges, longest)?;
        let model = BPE::builder()
            .vocab_and_merges(vocabulary, merges)
            .ignore_merges(settings.ignore_merges)
            .build()
            .map_err(|error| wrong_merge(bpe).unwrap_or_else(|| error.to_string()))?;
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
            return Err(format!("tokens {first} and {id} are both '{token}'"));
        }
    }
    Ok(vocabulary)
}

/// Each merge as its two tokens. The model's builder takes for granted that what a merge makes is no longer than the
/// longest token, so that is checked here.
fn merges(merges: &[&str], longest: usize) -> Result<Vec<(String, String)>, String> {
    let split = |(rank, merge): (usize, &&str)| match merge.split_once(' ') {
        None => Err(format!("merge {rank} is not two tokens: '{merge}'")),
        Some(_) if merge.len() > longest + 1 => Err(unknown_token(rank, merge)),
        Some((left, right)) => Ok((left.to_string(), right.to_string())),
    };
    merges.iter().enumerate().map(split).collect()
}

fn unknown_token(rank: usize, merge: &str) -> String {
    format!("merge {rank} names a token that is not in the vocabulary: '{merge}'")
}

/// Why the model's builder refused the merges.
fn wrong_merge(bpe: &Bpe) -> Option<String> {
    let vocabulary: HashSet<&str> = bpe.tokens.iter().copied().collect();
    let known = |merge: &&str| {
        let (left, right) = merge.split_once(' ').unwrap_or_default();
        [left, right, &[left, right].concat()].iter().all(|token| vocabulary.contains(token))
    };
    let rank = bpe.merges.iter().position(|merge| !known(merge))?;
    Some(unknown_token(rank, bpe.merges[rank]))
}
