//! The template's text made ready for minijinja's parser: what Jinja2's lexer and transformers' extension do differently.
//!
//! Line ends become "\n". `{% generation %}` blocks become call blocks, which is what transformers makes of them. Escapes in
//! string literals are read as Python reads them. The newline behind `{% raw %}` stays. The number of lines stays the same.

/// What a `generation` block calls: a function of this name prints the block's inside.
pub const GENERATION: &str = "__generation__";

/// "\r\n" and "\r" as "\n".
fn with_plain_line_ends(source: &str) -> String {
    source.replace("\r\n", "\n").replace('\r', "\n")
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    out: String,
}

/// The source that minijinja is given, or what is wrong with it.
pub fn prepare(source: &str) -> Result<String, String> {
    let plain = with_plain_line_ends(source);
    let mut scanner = Scanner { rest: &plain, line: 1, out: String::with_capacity(plain.len() + 64) };
    scanner.template()?;
    Ok(scanner.out)
}

/// The escape behind a backslash: its value (none for a continued line) and how many characters it takes.
fn escape(text: &str) -> Result<(Option<char>, usize), String> {
    let first = text.chars().next().ok_or("a string ends with a backslash")?;
    let simple = match first {
        '\n' => return Ok((None, 1)),
        '\\' | '\'' | '"' => first,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '0'..='7' => {
            let digits = text.chars().take(3).take_while(|c| c.is_digit(8)).count();
            return numbered(&text[..digits], 8).map(|c| (Some(c), digits));
        }
        'x' => return numbered(text.get(1..3).unwrap_or(""), 16).map(|c| (Some(c), 3)),
        'u' => return numbered(text.get(1..5).unwrap_or(""), 16).map(|c| (Some(c), 5)),
        'U' => return numbered(text.get(1..9).unwrap_or(""), 16).map(|c| (Some(c), 9)),
        'N' => return Err("a character by its name (\\N) is not supported".into()),
        _ => return Ok((Some('\\'), 0)), // Python keeps the backslash of an escape that it does not know
    };
    Ok((Some(simple), first.len_utf8()))
}

fn numbered(digits: &str, radix: u32) -> Result<char, String> {
    let whole = digits.chars().all(|c| c.is_digit(radix));
    let code = if whole { u32::from_str_radix(digits, radix).ok() } else { None };
    code.and_then(char::from_u32).ok_or_else(|| format!("the escape with '{digits}' in a string is not a character"))
}

/// The literal with Python's escapes as one with minijinja's. `body` is what is between the quotes.
fn literal(body: &str, quote: char) -> Result<String, String> {
    let mut out = String::from(quote);
    let mut continued_lines = 0;
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.push(c);
            continue;
        }
        let (value, length) = escape(rest)?;
        rest = &rest[length..];
        match value {
            None => continued_lines += 1,
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some(value) if value == quote => out.extend(['\\', quote]),
            Some(value) => out.push(value),
        }
    }
    out.push(quote);
    out.push_str(&"\n".repeat(continued_lines));
    Ok(out)
}

impl<'a> Scanner<'a> {
    fn copy(&mut self, bytes: usize) {
        let (text, rest) = self.rest.split_at(bytes);
        self.line += text.matches('\n').count();
        self.out.push_str(text);
        self.rest = rest;
    }

    fn error(&self, what: &str) -> String {
        format!("line {}: syntax error: {what}", self.line)
    }

    /// Text, comments and raw blocks are copied; tags are looked into.
    fn template(&mut self) -> Result<(), String> {
        while let Some(start) = self.rest.find('{') {
            self.copy(start);
            let rest = self.rest;
            if rest.starts_with("{#") {
                let end = rest.find("#}").ok_or_else(|| self.error("missing end of comment"))?;
                self.copy(end + 2);
            } else if rest.starts_with("{{") {
                self.copy(2);
                self.inside("}}")?;
            } else if let Some(tag) = named_tag(rest, "raw") {
                self.raw(&tag)?;
            } else if !self.generation_tag() {
                if rest.starts_with("{%") {
                    self.copy(2);
                    self.inside("%}")?;
                } else {
                    self.copy(1);
                }
            }
        }
        self.copy(self.rest.len());
        Ok(())
    }

    /// minijinja drops a newline behind the opening tag, Jinja2 does not.
    fn raw(&mut self, tag: &Tag) -> Result<(), String> {
        let opening = &self.rest[..tag.length];
        if tag.closing_mark.is_none() {
            self.out.push_str(&opening[..opening.len() - 2]);
            self.out.push_str(" +%}");
            self.line += opening.matches('\n').count();
            self.rest = &self.rest[tag.length..];
        } else {
            self.copy(tag.length);
        }
        while let Some(start) = self.rest.find("{%") {
            self.copy(start);
            if let Some(end) = named_tag(self.rest, "endraw") {
                self.copy(end.length);
                return Ok(());
            }
            self.copy(2);
        }
        Err(self.error("missing end of raw block"))
    }

    /// Turns a `generation` or `endgeneration` tag into the tag of a call block, marks kept.
    fn generation_tag(&mut self) -> bool {
        let call = format!("call {GENERATION}()");
        for (name, replacement) in [("generation", call.as_str()), ("endgeneration", "endcall")] {
            if let Some(tag) = named_tag(self.rest, name) {
                let text = &self.rest[..tag.length];
                self.out.push_str(&text.replacen(name, replacement, 1));
                self.line += text.matches('\n').count();
                self.rest = &self.rest[tag.length..];
                return true;
            }
        }
        false
    }

    /// The inside of a tag up to and with its end. An end inside brackets or a string is none.
    fn inside(&mut self, end: &str) -> Result<(), String> {
        let mut depth = 0;
        loop {
            let Some(at) = self.rest.find(['\'', '"', '{', '}', '[', ']', '(', ')', '%']) else {
                return Err(self.error("a tag has no end"));
            };
            self.copy(at);
            let rest = self.rest;
            match rest.as_bytes()[0] {
                _ if depth == 0 && rest.starts_with(end) => {
                    self.copy(2);
                    return Ok(());
                }
                b'\'' | b'"' => self.string()?,
                b'{' | b'[' | b'(' => {
                    depth += 1;
                    self.copy(1);
                }
                b'}' | b']' | b')' => {
                    depth -= 1;
                    self.copy(1);
                }
                _ => self.copy(1),
            }
        }
    }

    fn string(&mut self) -> Result<(), String> {
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        while at < bytes.len() && bytes[at] != bytes[0] {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        if at >= bytes.len() {
            return Err(self.error("a string has no end"));
        }
        let text = &self.rest[..at + 1];
        if !text.contains('\\') {
            self.copy(at + 1);
            return Ok(());
        }
        let quote = char::from(bytes[0]);
        let written = literal(&text[1..at], quote).map_err(|what| self.error(&what))?;
        self.out.push_str(&written);
        self.line += text.matches('\n').count();
        self.rest = &self.rest[at + 1..];
        Ok(())
    }
}

struct Tag {
    length: usize,
    closing_mark: Option<u8>,
}

/// The tag of `name` without arguments that the text begins with.
fn named_tag(text: &str, name: &str) -> Option<Tag> {
    let after_start = text.strip_prefix("{%")?;
    let after_start = after_start.strip_prefix(['-', '+']).unwrap_or(after_start);
    let behind_name = after_start.trim_start().strip_prefix(name)?;
    let trimmed = behind_name.trim_start();
    let closing_mark = trimmed.bytes().next().filter(|mark| matches!(mark, b'-' | b'+'));
    let end = if closing_mark.is_some() { &trimmed[1..] } else { trimmed };
    let rest = end.strip_prefix("%}")?;
    Some(Tag { length: text.len() - rest.len(), closing_mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_plain_everywhere() {
        assert_eq!(prepare("a\r\nb\rc{{ 'd\r\ne' }}").unwrap(), "a\nb\nc{{ 'd\ne' }}");
    }

    #[test]
    fn generation_tags_keep_their_marks() {
        let call = format!("{{%- call {GENERATION}() -%}} x {{%+ endcall %}}");
        assert_eq!(prepare("{%- generation -%} x {%+ endgeneration %}").unwrap(), call);
    }

    #[test]
    fn strings_comments_and_raw_blocks_are_left_alone() {
        for source in
            ["{{ '{% generation %}' }}", "{# {% generation %} ' #}", "{% raw +%}{% generation %}{{ ' }}{% endraw %}"]
        {
            assert_eq!(prepare(source).unwrap(), source);
        }
    }

    #[test]
    fn escapes_are_pythons() {
        assert_eq!(prepare(r"{{ '\x41\101\d\'\n' }}").unwrap(), r"{{ 'AA\\d\'\n' }}");
        assert!(prepare(r"{{ '\ud800' }}").is_err());
        assert!(prepare(r"{{ '\N{BULLET}' }}").unwrap_err().contains("not supported"));
        assert!(prepare(r"{{ '\x4' }}").is_err());
    }

    #[test]
    fn what_is_not_closed_is_an_error_with_its_line() {
        for source in ["a\n{{ 'x", "a\n{{ x", "a\n{% x", "a\n{# x", "a\n{% raw %}"] {
            assert!(prepare(source).unwrap_err().starts_with("line 2: "), "{source}");
        }
    }

    #[test]
    fn the_newline_behind_a_raw_tag_stays() {
        assert_eq!(prepare("{% raw %}\na{% endraw %}").unwrap(), "{% raw  +%}\na{% endraw %}");
    }
}
