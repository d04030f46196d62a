//! Kinds of characters as Python sees them.

use unicode_general_category::{get_general_category, GeneralCategory};

use super::printing::all_printable;
use super::value::{refuse, Result};

pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

pub fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || get_general_category(c) == GeneralCategory::TitlecaseLetter
}

/// Characters that are digits to Python though not decimal: superscripts, digits in circles and the like.
const DIGITS: [(u32, u32); 22] = [
    (0xb2, 0xb3),
    (0xb9, 0xb9),
    (0x1369, 0x1371),
    (0x19da, 0x19da),
    (0x2070, 0x2070),
    (0x2074, 0x2079),
    (0x2080, 0x2089),
    (0x2460, 0x2468),
    (0x2474, 0x247c),
    (0x2488, 0x2490),
    (0x24ea, 0x24ea),
    (0x24f5, 0x24fd),
    (0x24ff, 0x24ff),
    (0x2776, 0x277e),
    (0x2780, 0x2788),
    (0x278a, 0x2792),
    (0x10a40, 0x10a43),
    (0x10e60, 0x10e68),
    (0x11052, 0x1105a),
    (0x1f100, 0x1f10a),
    (0x1f10b, 0x1f10c),
    (0, 0),
];

fn is_decimal(c: char) -> bool {
    get_general_category(c) == GeneralCategory::DecimalNumber
}

fn is_digit(c: char) -> bool {
    let code = u32::from(c);
    is_decimal(c) || code > 0 && DIGITS.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

fn is_letter(c: char) -> bool {
    use GeneralCategory::*;
    matches!(
        get_general_category(c),
        LowercaseLetter | UppercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter
    )
}

fn is_numeric(c: char) -> Result<bool> {
    use GeneralCategory::*;
    match get_general_category(c) {
        DecimalNumber | LetterNumber | OtherNumber => Ok(true),
        OtherLetter if matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{fad9}' | '\u{20000}'..='\u{323af}') => {
            refuse("isnumeric or isalnum of an ideograph")
        }
        _ => Ok(false),
    }
}

pub fn is_all(text: &str, method: &str) -> Result<bool> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    Ok(match method {
        "isascii" => text.is_ascii(),
        "isalpha" => all(is_letter),
        "isdecimal" => all(is_decimal),
        "isdigit" => all(is_digit),
        "isspace" => all(is_space),
        "isprintable" => all_printable(text),
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(|c| is_cased(c) && !c.is_lowercase()),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(|c| is_cased(c) && !c.is_uppercase()),
        "istitle" => is_title(text),
        "isidentifier" if text.is_ascii() => {
            all(|c| c == '_' || c.is_ascii_alphanumeric()) && !text.starts_with(|c: char| c.is_ascii_digit())
        }
        "isidentifier" => return refuse("isidentifier of letters beyond ASCII"),
        "isnumeric" => {
            for c in text.chars() {
                if !is_numeric(c)? {
                    return Ok(false);
                }
            }
            !text.is_empty()
        }
        _ => {
            for c in text.chars() {
                if !(is_letter(c) || is_digit(c) || is_numeric(c)?) {
                    return Ok(false);
                }
            }
            !text.is_empty()
        }
    })
}

fn is_title(text: &str) -> bool {
    let (mut in_word, mut any) = (false, false);
    for c in text.chars() {
        let cased = is_cased(c);
        if cased && c.is_lowercase() != in_word {
            return false;
        }
        any |= cased;
        in_word = cased;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_characters_are_pythons() {
        assert!(is_all("²", "isdigit").unwrap() && !is_all("²", "isdecimal").unwrap());
        assert!(!is_all("½", "isdigit").unwrap() && is_all("½", "isnumeric").unwrap());
        assert!(is_all("一", "isnumeric").is_err());
        assert!(is_title("Ab Cd") && !is_title("AB") && !is_title(""));
    }
}
