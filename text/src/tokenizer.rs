//! Hugging Face's tokenizer, made from the files of a folder or from a vocabulary in memory.

use std::collections::HashSet;

use serde::Deserialize;
use tokenizers::models::bpe::{Merges, Vocab, BPE};
use tokenizers::models::ModelWrapper;
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

use crate::border;
use crate::piece_merges;
use crate::pretrained::{self, SpecialIds};
use crate::tokenizer_bounds::{self, Growth};

/// What `idleheads_bpe` holds.
pub struct Bpe<'a> {
    pub tokens: Vec<&'a str>,
    pub kinds: &'a [u8],
    pub merges: Vec<&'a str>,
    pub scores: &'a [f64],
    pub settings: &'a str,
}

const ADDED: u8 = 1;
const SPECIAL: u8 = 2;
const UNMERGED: u8 = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    pre_tokenizer: Option<PreTokenizerWrapper>,
    normalizer: Option<NormalizerWrapper>,
    decoder: DecoderWrapper,
    ignore_merges: bool,
    byte_fallback: bool,
    unk_token: Option<String>,
}

pub struct TextTokenizer {
    tokenizer: Tokenizer,
    size: usize,
    growth: Growth,
    special_ids: SpecialIds,
}

impl TextTokenizer {
    /// `files` is the JSON of `pretrained::Files`; empty: tokenizer.json alone.
    pub fn from_json(json: &[u8], files: &str) -> Result<Self, String> {
        let plan = tokenizer_bounds::check(json).map_err(in_tokenizer_json)?;
        // Panics on some wrong files.
        let made = border::catch(|| Tokenizer::from_bytes(json).map_err(|error| error.to_string()));
        let mut tokenizer = made.map_err(in_tokenizer_json)?;
        // They are set by the caller of a Hugging Face tokenizer, not by its file.
        tokenizer.with_padding(None).with_truncation(None).map_err(in_tokenizer_json)?;
        check_ids(&tokenizer).map_err(in_tokenizer_json)?;
        let mut special_ids = SpecialIds::new();
        if !files.is_empty() {
            special_ids = pretrained::apply(&mut tokenizer, pretrained::files(files)?, &plan)?;
        }
        let size = tokenizer.get_vocab_size(true);
        Ok(TextTokenizer { tokenizer, size, growth: plan.growth, special_ids })
    }

    pub fn from_bpe(bpe: &Bpe) -> Result<Self, String> {
        let settings: Settings =
            serde_json::from_str(bpe.settings).map_err(|error| format!("the settings: {error}"))?;
        let vocabulary = vocabulary(&bpe.tokens)?;
        let mut model = BPE::builder()
            .vocab_and_merges(vocabulary, merges(bpe)?)
            .ignore_merges(settings.ignore_merges)
            .byte_fallback(settings.byte_fallback)
            .fuse_unk(settings.unk_token.is_some());
        if let Some(token) = settings.unk_token {
            model = model.unk_token(token);
        }
        let model = model.build().map_err(|error| wrong_merge(bpe).unwrap_or_else(|| error.to_string()))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(settings.normalizer).map_err(|error| error.to_string())?;
        tokenizer.with_pre_tokenizer(settings.pre_tokenizer);
        tokenizer.with_decoder(Some(settings.decoder));
        let added = bpe.tokens.iter().zip(bpe.kinds).filter(|(_, kind)| [ADDED, SPECIAL].contains(kind));
        let added = added.map(|(text, kind)| AddedToken::from(*text, *kind == SPECIAL).normalized(false));
        let added: Vec<AddedToken> = added.collect();
        tokenizer_bounds::check_added(added.iter(), Growth::EVERYDAY)?;
        tokenizer.add_tokens(added).map_err(|error| error.to_string())?;
        let size = tokenizer.get_vocab_size(true);
        Ok(TextTokenizer { tokenizer, size, growth: Growth::EVERYDAY, special_ids: SpecialIds::new() })
    }

    /// What the folder's files say of bos_token and so on: nothing, that there is none, or its id.
    pub fn special_id(&self, name: &str) -> Option<Option<u32>> {
        self.special_ids.get(name).copied()
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
        self.growth.check(text.len(), "text")?;
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

fn in_tokenizer_json(error: impl std::fmt::Display) -> String {
    format!("tokenizer.json: {error}")
}

/// Two tokens with one id would be read as one of them, by chance.
fn check_ids(tokenizer: &Tokenizer) -> Result<(), String> {
    let vocabulary = tokenizer.get_vocab(true);
    let mut seen = HashSet::with_capacity(vocabulary.len());
    for id in vocabulary.values() {
        if !seen.insert(id) {
            let mut tokens: Vec<&String> =
                vocabulary.iter().filter(|(_, other)| *other == id).map(|(t, _)| t).collect();
            tokens.sort();
            return Err(format!("the tokens '{}' and '{}' have the same id {id}", tokens[0], tokens[1]));
        }
    }
    Ok(())
}

fn merges(bpe: &Bpe) -> Result<Merges, String> {
    if bpe.scores.is_empty() {
        let longest = bpe.tokens.iter().map(|token| token.len()).max().unwrap_or(0);
        return given_merges(&bpe.merges, longest);
    }
    let merged: Vec<bool> = bpe.kinds.iter().map(|kind| ![SPECIAL, UNMERGED].contains(kind)).collect();
    // sentencepiece gives its user-defined pieces the score 0; those added later have any.
    let score = |(score, kind): (&f64, &u8)| if *kind == ADDED { score.max(0.0) } else { *score };
    let scores: Vec<f64> = bpe.scores.iter().zip(bpe.kinds).map(score).collect();
    Ok(piece_merges::derive(&bpe.tokens, &scores, &merged))
}

/// Each merge as its two tokens. The model's builder takes for granted that what a merge makes is no longer than the
/// longest token, so that is checked here.
fn given_merges(merges: &[&str], longest: usize) -> Result<Merges, String> {
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
