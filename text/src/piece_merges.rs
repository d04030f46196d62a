//! Merges of a sentencepiece BPE vocabulary, which has scores instead: the list that transformers derives for the fast
//! tokenizers of Llama, Mistral and Gemma.

use std::cmp::Ordering;
use std::collections::HashMap;

/// Each way to put a piece together of two others, the best piece first. Of one piece's ways, and of pieces with one score,
/// the one with the longer left part comes first, then the longer right part; else the order of the pieces and parts.
/// `merges[i]` says whether token i may be made by a merge.
pub fn derive(tokens: &[&str], scores: &[f64], merges: &[bool]) -> Vec<(String, String)> {
    struct Way<'a> {
        left: &'a str,
        right: &'a str,
        score: f64,
        lengths: (usize, usize), // in characters
    }
    let ids: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, token)| (*token, id)).collect();
    let mut ways = Vec::new();
    let mut own = Vec::new();
    for (id, token) in tokens.iter().enumerate().filter(|(id, _)| merges[*id]) {
        let characters = token.chars().count();
        for (count, (at, _)) in token.char_indices().enumerate().skip(1) {
            let (left, right) = token.split_at(at);
            if let (Some(a), Some(b)) = (ids.get(left), ids.get(right)) {
                let way = Way { left, right, score: scores[id], lengths: (count, characters - count) };
                own.push(((*a, *b), way));
            }
        }
        own.sort_by_key(|(parts, _)| *parts);
        ways.extend(own.drain(..).map(|(_, way)| way));
    }
    let better = |a: &Way, b: &Way| match b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal) {
        Ordering::Equal => b.lengths.cmp(&a.lengths),
        order => order,
    };
    ways.sort_by(better); // stable
    ways.into_iter().map(|way| (way.left.to_string(), way.right.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(pieces: &[(&str, f64)]) -> Vec<String> {
        let tokens: Vec<&str> = pieces.iter().map(|(piece, _)| *piece).collect();
        let scores: Vec<f64> = pieces.iter().map(|(_, score)| *score).collect();
        let merges = vec![true; tokens.len()];
        derive(&tokens, &scores, &merges).into_iter().map(|(left, right)| format!("{left} {right}")).collect()
    }

    #[test]
    fn the_best_piece_comes_first() {
        let pieces = [("a", -9.0), ("b", -9.0), ("ab", -3.0), ("ba", -1.0), ("é", -9.0), ("éa", -2.0)];
        assert_eq!(derived(&pieces), ["b a", "é a", "a b"]);
    }

    #[test]
    fn of_one_piece_the_longer_left_part_comes_first() {
        assert_eq!(derived(&[("a", -9.0), ("aa", -1.0), ("aaa", -2.0)]), ["a a", "aa a", "a aa"]);
    }

    #[test]
    fn zeros_of_either_sign_are_one_score() {
        assert_eq!(derived(&[("a", -9.0), ("aa", 0.0), ("aaa", -0.0)]), ["aa a", "a aa", "a a"]);
    }

    #[test]
    fn a_token_may_be_kept_out() {
        assert_eq!(derive(&["a", "b", "ab"], &[0.0; 3], &[true, true, false]), []);
    }
}
