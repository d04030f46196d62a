//! Upper and lower case as Python has it.

/// The title case of a character: its upper case, but for those few of several letters and those without one.
fn title(c: char) -> String {
    let at = |code: u32| char::from_u32(code).map_or_else(String::new, String::from);
    match c {
        '\u{10d0}'..='\u{10ff}' => c.into(), // Georgian: sentences begin with small letters
        '\u{1c4}'..='\u{1cc}' => at(0x1c5 + (c as u32 - 0x1c4) / 3 * 3), // one letter for Dž, Lj, Nj
        '\u{1f1}'..='\u{1f3}' => at(0x1f2),  // and Dz
        '\u{1f80}'..='\u{1faf}' => at(c as u32 | 8), // Greek with an iota below
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => at(c as u32 + 9),
        '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}' => c.into(),
        // Sharp s and ligatures become several letters, of which one is large.
        '\u{df}' | '\u{587}' | '\u{fb00}'..='\u{fb17}' => {
            c.to_uppercase().take(1).chain(c.to_uppercase().skip(1).flat_map(char::to_lowercase)).collect()
        }
        _ => c.to_uppercase().collect(),
    }
}

/// Python's `str.capitalize`. The whole text is put in lower case first, because a sigma's depends on what is around it.
pub fn capitalize(text: &str) -> String {
    let Some(first) = text.chars().next() else { return String::new() };
    let lower = text.to_lowercase();
    let rest: usize = first.to_lowercase().map(char::len_utf8).sum();
    title(first) + &lower[rest..]
}

#[cfg(test)]
mod tests {
    use super::capitalize;

    #[test]
    fn texts_are_capitalized_as_in_python() {
        let cases = [
            ("", ""),
            ("hELLO wORLD", "Hello world"),
            ("ßx", "Ssx"),
            ("ﬁN", "Fin"),
            ("ǆA", "ǅa"),
            ("ΑΣ", "Ας"),
            ("ა", "ა"),
            ("ᾳX", "ᾼx"),
            ("1A", "1a"),
        ];
        for (text, right) in cases {
            assert_eq!(capitalize(text), right);
        }
    }
}
