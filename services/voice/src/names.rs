//! Names that a brand says in its own way.

use spotwright_schemas::brief::Pronunciation;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch<'a> {
    /// As it is written.
    Plain(&'a str),
    /// A name: as it is written, and the words to say in its place.
    Name(&'a str, &'a str),
}

/// Cuts a text at its names. The longer of two names that begin at one place wins; capitals do not matter,
/// and a Latin name is whole words.
pub(crate) fn cut<'a>(text: &'a str, names: &'a [Pronunciation]) -> Vec<Stretch<'a>> {
    let mut stretches = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < text.len() {
        let found = names
            .iter()
            .filter_map(|name| Some((begins(text, at, &name.written)?, name)))
            .max_by_key(|(length, _)| *length);
        if let Some((length, name)) = found {
            if plain < at {
                stretches.push(Stretch::Plain(&text[plain..at]));
            }
            stretches.push(Stretch::Name(&text[at..at + length], &name.spoken));
            at += length;
            plain = at;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    if plain < text.len() {
        stretches.push(Stretch::Plain(&text[plain..]));
    }
    stretches
}

/// Length in bytes of `name` at `at`, if it stands there.
fn begins(text: &str, at: usize, name: &str) -> Option<usize> {
    let mut rest = text[at..].chars();
    let mut length = 0;
    for wanted in name.chars() {
        let sign = rest.next()?;
        if !sign.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        length += sign.len_utf8();
    }
    let latin = |sign: Option<char>| sign.is_some_and(|c| c.is_alphanumeric() && c.len_utf8() < 3);
    let inside = |edge: Option<char>, beyond: Option<char>| latin(edge) && latin(beyond);
    let cut =
        inside(name.chars().next(), text[..at].chars().last()) || inside(name.chars().last(), rest.next());
    (length > 0 && !cut).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(written: &str, spoken: &str) -> Pronunciation {
        Pronunciation { written: written.to_owned(), spoken: spoken.to_owned() }
    }

    #[test]
    fn names_are_found_whole_and_whatever_their_capitals() {
        let names = [name("Aurelle", "oh rell"), name("Aurelle Skin", "oh rell skin"), name("拾味", "十味")];
        let plain = Stretch::Plain;
        assert_eq!(
            cut("Try AURELLE skin, or Aurelles.", &names),
            [plain("Try "), Stretch::Name("AURELLE skin", "oh rell skin"), plain(", or Aurelles.")]
        );
        assert_eq!(
            cut("欢迎光临拾味小馆", &names),
            [plain("欢迎光临"), Stretch::Name("拾味", "十味"), plain("小馆")]
        );
        assert_eq!(cut("", &names), []);
    }
}
