//! Two lists of answers, field by field.
//!
//! Owns: what is a difference, and whether it is allowed. Does not own: which are allowed (`allowed`).
//!
//! An allowed difference that does not occur is a difference too: the list tells what is, not what was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::allowed::{AllowedField, NOT_YET, ON_PURPOSE};
use crate::side::Answer;

/// Stands where a server has no such field.
const ABSENT: &str = "absent";

/// Stands where a server has an element that the other lacks.
const THERE: &str = "there";

/// A longer value is cut in reports.
const SHOWN_CHARS_MAX: usize = 90;

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Report {
    /// Answers that were compared.
    pub answers: usize,
    /// Fields that were compared.
    pub fields: usize,
    /// Fields that differ as the list allows.
    pub allowed: usize,
    /// Fields that differ otherwise.
    pub differences: Vec<Difference>,
    /// Entries of the list that nothing needed.
    pub unused: Vec<(&'static str, &'static AllowedField)>,
}

/// A field that differs.
#[derive(Debug)]
pub struct Difference {
    what: String,
    field: String,
    kafka: String,
    ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            field,
            kafka,
            ours,
        } = self;
        write!(
            f,
            "{what}: {field}: Kafka {}, Tidegate {}",
            cut(kafka),
            cut(ours)
        )
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} characters)", &value[..end], value.len()),
        None => value.to_owned(),
    }
}

/// Compares what Kafka answered with what Tidegate answered to the same requests.
///
/// # Panics
/// If the requests were not the same.
#[must_use]
pub fn compare(kafka: &[Answer], ours: &[Answer]) -> Report {
    assert_eq!(kafka.len(), ours.len(), "both were asked the same");
    let mut report = Report::default();
    let lists = [ON_PURPOSE, NOT_YET].into_iter().flatten();
    let entries =
        lists.flat_map(|allowed| allowed.fields.iter().map(|field| (allowed.reason, field)));
    let mut list: Vec<(&str, &AllowedField)> = entries.collect();
    // What holds in every case comes first, so that an entry for one case needs a difference of its own.
    list.sort_by_key(|(_, entry)| !entry.cases.is_empty());
    let mut used = BTreeSet::new();
    for (kafka, ours) in kafka.iter().zip(ours) {
        let what = format!("{:?} v{} {}", ours.key, ours.version, ours.case);
        assert_eq!(
            what,
            format!("{:?} v{} {}", kafka.key, kafka.version, kafka.case)
        );
        report.answers += 1;
        for (field, in_kafka, in_ours) in pairs(kafka, ours) {
            report.fields += 1;
            if in_kafka == in_ours {
                continue;
            }
            let allows = |entry: &AllowedField| entry.allows(ours, &field, &in_kafka, &in_ours);
            match list.iter().position(|(_, entry)| allows(entry)) {
                Some(index) => {
                    used.insert(index);
                    report.allowed += 1;
                }
                None => report.differences.push(Difference {
                    what: what.clone(),
                    field,
                    kafka: in_kafka,
                    ours: in_ours,
                }),
            }
        }
    }
    let entries = list.into_iter().enumerate();
    let unused = entries.filter(|(index, _)| !used.contains(index));
    report.unused = unused.map(|(_, entry)| entry).collect();
    report
}

/// Every field that one of them has, with both values. Where one answered and the other did not, only that counts;
/// an element of a list that one of them lacks counts once.
fn pairs(kafka: &Answer, ours: &Answer) -> Vec<(String, String, String)> {
    let of =
        |answer: &Answer| -> BTreeMap<String, String> { answer.fields.iter().cloned().collect() };
    let (kafka, ours) = (of(kafka), of(ours));
    let whole = kafka["outcome"] == ours["outcome"];
    let (elements_of_kafka, elements_of_ours) = (elements(&kafka), elements(&ours));
    let name = |field: &String| -> String {
        let lacks = |element: &&str| {
            elements_of_kafka.contains(element) != elements_of_ours.contains(element)
        };
        prefixes(field).find(lacks).unwrap_or(field).to_owned()
    };
    let value =
        |fields: &BTreeMap<String, String>, elements: &BTreeSet<&str>, name: &str| match fields
            .get(name)
        {
            Some(value) => value.clone(),
            None if elements.contains(name) => THERE.to_owned(),
            None => ABSENT.to_owned(),
        };
    let names: BTreeSet<String> = kafka.keys().chain(ours.keys()).map(name).collect();
    let names = names.into_iter().filter(|name| whole || name == "outcome");
    names
        .map(|name| {
            let in_kafka = value(&kafka, &elements_of_kafka, &name);
            let in_ours = value(&ours, &elements_of_ours, &name);
            (name, in_kafka, in_ours)
        })
        .collect()
}

/// The elements of lists, by their paths.
fn elements(fields: &BTreeMap<String, String>) -> BTreeSet<&str> {
    fields.keys().flat_map(|field| prefixes(field)).collect()
}

/// The elements that a field lies in, the outermost first. A name between brackets may hold dots and brackets, but not
/// one that ends it and a dot behind.
fn prefixes(field: &str) -> impl Iterator<Item = &str> {
    let ends = field.match_indices("].").map(|(at, _)| at + 1);
    ends.map(|end| &field[..end])
}

impl AllowedField {
    fn allows(&self, answer: &Answer, field: &str, kafka: &str, ours: &str) -> bool {
        let fits = |wanted: &str, value: &str| match wanted.strip_prefix("not ") {
            Some(unwanted) => value != unwanted,
            None => wanted == "*" || wanted == value,
        };
        self.key.is_none_or(|key| key == answer.key)
            && (self.cases.is_empty() || self.cases.iter().any(|case| begins(&answer.case, case)))
            && within(&without_indexes(field), self.field)
            && fits(self.kafka, kafka)
            && fits(self.ours, ours)
    }
}

/// Whether a case begins so; a blank at the end stands for the end of the case, too.
fn begins(case: &str, so: &str) -> bool {
    case.starts_with(so) || so.strip_suffix(' ').is_some_and(|whole| case == whole)
}

/// Whether a field is the named one, or lies in it. A name that begins with `*.` may stand anywhere.
fn within(field: &str, name: &str) -> bool {
    let rest = match name.strip_prefix("*.") {
        Some(last) => return field == last || field.ends_with(&format!(".{last}")),
        None => field.strip_prefix(name),
    };
    name.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `topics[3].name` as `topics[].name`.
fn without_indexes(field: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in field.chars() {
        inside &= character != ']';
        if !inside {
            out.push(character);
        }
        inside |= character == '[';
    }
    out
}
