//! What a reader of a page reads, and how much Latin script stands in it.

/// What a reader sees or hears of a page: its text and its titles, without styles, code and what the
/// brief says itself.
pub(crate) fn told(page: &str) -> Vec<String> {
    let (before, styled) = page.split_once("<style>").expect("the page has styles");
    let (_, after) = styled.split_once("</style>").expect("the styles end");
    let mut pieces = Vec::new();
    let mut in_code = false;
    for part in format!("{before}{after}").split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        in_code = tag == "code" || in_code && tag != "/code";
        for attribute in ["title=\"", "aria-label=\"", "alt=\""] {
            if let Some((_, value)) = tag.split_once(attribute) {
                pieces.push(value.split('"').next().unwrap_or_default().to_owned());
            }
        }
        if !in_code {
            pieces.push(text.to_owned());
        }
    }
    pieces
}

/// Most words of Latin letters in a row.
pub(crate) fn latin_words_in_a_row(text: &str) -> usize {
    let (mut run, mut most) = (0, 0);
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        let latin = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        run = if latin { run + 1 } else { 0 };
        most = most.max(run);
    }
    most
}
