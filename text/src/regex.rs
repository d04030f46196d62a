//! Regular expressions as Python's `re` has them, as far as they are used here.

use regex::bytes::{Regex, RegexBuilder};

/// What Python counts as white space and Unicode does not.
const SPACE: &str = r"[\s\x1c-\x1f]";

/// A pattern of Python's. Not the same in both, and not translated: `$` (Python's also matches before a line feed at the
/// end; write `\z`), and look-around and back-references, which there are none of.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    let mut translated = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some('s')) => translated += SPACE,
            ('\\', Some(escaped)) => translated.extend([c, escaped]),
            _ => {
                translated.push(c);
                continue;
            }
        }
        rest.next();
    }
    RegexBuilder::new(&translated).build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_counts_more_as_white_space() {
        let words = compile(r"[^\s]+").unwrap();
        let found: Vec<_> = words.find_iter("a\u{1c}b\u{a0}c\\s".as_bytes()).map(|found| found.as_bytes()).collect();
        assert_eq!(found, [b"a".as_slice(), b"b", br"c\s"]);
        assert!(compile(r"\\s").unwrap().is_match(br"\s"));
        assert!(!compile(r"\\s").unwrap().is_match(b" "));
    }

    #[test]
    fn errors_are_given() {
        assert!(compile("(").unwrap_err().contains("unclosed group"));
        assert!(compile(r"a\").is_err());
    }
}
