//! Patterns in which `*` stands for any text and `?` for one character.
//!
//! Invariant: matching never goes back to try another way. Taking the first place where a piece
//! fits leaves the most room for those after it, so one pass finds a match if there is one.

/// A pattern, cut at its `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    first: Box<str>,
    /// The pieces after the first; none where the pattern has no `*`.
    rest: Box<[Box<str>]>,
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let mut pieces = pattern.split('*').map(Box::from);
        let first = pieces.next().expect("a split has at least one piece");
        Self {
            first,
            rest: pieces.collect(),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(text) = strip_start(&self.first, text) else {
            return false;
        };
        let Some((last, middle)) = self.rest.split_last() else {
            return text.is_empty();
        };
        let Some(text) = strip_end(last, text) else {
            return false;
        };
        let after_middle = middle
            .iter()
            .try_fold(text, |text, piece| after_first(piece, text));
        after_middle.is_some()
    }

    /// Bytes of pieces that have a `?` and are searched for: each costs its length times the
    /// text's.
    pub(crate) fn wild_piece_bytes(&self) -> usize {
        let middle = self.rest.split_last().map_or(&[][..], |(_, middle)| middle);
        let wild = middle.iter().filter(|piece| piece.contains('?'));
        wild.map(|piece| piece.len()).sum()
    }
}

/// What follows `piece` at the start of `text`.
fn strip_start<'t>(piece: &str, text: &'t str) -> Option<&'t str> {
    let mut chars = text.chars();
    for wanted in piece.chars() {
        let found = chars.next()?;
        if wanted != '?' && wanted != found {
            return None;
        }
    }
    Some(chars.as_str())
}

/// What precedes `piece` at the end of `text`.
fn strip_end<'t>(piece: &str, text: &'t str) -> Option<&'t str> {
    let mut chars = text.chars();
    for wanted in piece.chars().rev() {
        let found = chars.next_back()?;
        if wanted != '?' && wanted != found {
            return None;
        }
    }
    Some(chars.as_str())
}

/// What follows the first place in `text` where `piece` fits.
fn after_first<'t>(piece: &str, text: &'t str) -> Option<&'t str> {
    if !piece.contains('?') {
        return text.find(piece).map(|at| &text[at + piece.len()..]);
    }
    let mut starts = text.char_indices();
    starts.find_map(|(at, _)| strip_start(piece, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, tried in every way.
    fn matches_by_definition(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => {
                (0..=text.len()).any(|skip| matches_by_definition(rest, &text[skip..]))
            }
            [wanted, rest @ ..] => text.split_first().is_some_and(|(found, text)| {
                (*wanted == '?' || wanted == found) && matches_by_definition(rest, text)
            }),
        }
    }

    #[test]
    fn every_short_pattern_matches_as_defined() {
        let words = |alphabet: &[char], length_max: u32| {
            let base = alphabet.len();
            let mut words = Vec::new();
            for length in 0..=length_max {
                for mut number in 0..base.pow(length) {
                    let letters = (0..length).map(|_| {
                        let letter = alphabet[number % base];
                        number /= base;
                        letter
                    });
                    words.push(letters.collect::<Vec<char>>());
                }
            }
            words
        };
        let patterns = words(&['a', 'é', '?', '*'], 5);
        let texts = words(&['a', 'é'], 5);
        for pattern in &patterns {
            let glob = Glob::new(&pattern.iter().collect::<String>());
            for text in &texts {
                let expected = matches_by_definition(pattern, text);
                let text: String = text.iter().collect();
                assert_eq!(glob.matches(&text), expected, "{pattern:?} on {text:?}");
            }
        }
    }

    #[test]
    fn a_pattern_made_to_take_long_does_not() {
        let glob = Glob::new(&"a*".repeat(10_000));
        assert!(!glob.matches(&"a".repeat(9_999)));
        assert!(glob.matches(&"a".repeat(10_000)));
    }

    #[test]
    fn only_searched_pieces_with_a_question_mark_are_costly() {
        let bytes = |pattern| Glob::new(pattern).wild_piece_bytes();
        assert_eq!(bytes("a?b"), 0);
        assert_eq!(bytes("a?*b*c?"), 0);
        assert_eq!(bytes("*a?*bc*??*"), 4);
    }
}
