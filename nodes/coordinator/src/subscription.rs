//! Which topics a consumer says that it reads: the one place where the coordinator looks into a
//! member's metadata, as Kafka's does.
//!
//! Owns: the beginning of the consumer protocol's subscription, which all its versions share (KIP-62,
//! KIP-429, KIP-792, KIP-881 only append): version (2), then an array of topic names.

use std::collections::BTreeSet;

/// The type of groups whose metadata is a subscription.
pub(crate) const CONSUMER: &str = "consumer";

/// The topics of one member's metadata; none where it is no subscription. A name is taken as it is:
/// one that no topic can have matches none.
pub(crate) fn topics(metadata: &[u8]) -> Option<BTreeSet<String>> {
    let (version, mut rest) = metadata.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let count = i32::from_be_bytes(take(&mut rest)?);
    let count = usize::try_from(count).ok()?;
    let mut topics = BTreeSet::new();
    for _ in 0..count {
        let length = i16::from_be_bytes(take(&mut rest)?);
        let (name, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        topics.insert(std::str::from_utf8(name).ok()?.to_owned());
    }
    Some(topics)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(version: i16, names: &[&str], rest: &[u8]) -> Vec<u8> {
        let mut bytes = version.to_be_bytes().to_vec();
        bytes.extend((names.len() as i32).to_be_bytes());
        for name in names {
            bytes.extend((name.len() as i16).to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn every_version_begins_with_the_topics() {
        for version in 0..=3 {
            let bytes = metadata(version, &["a", "b"], b"user data and more");
            let topics = topics(&bytes).unwrap();
            assert_eq!(topics.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        }
        assert_eq!(topics(&metadata(0, &[], b"")), Some(BTreeSet::new()));
    }

    #[test]
    fn what_is_no_subscription_is_none() {
        let whole = metadata(1, &["topic"], b"");
        for length in 0..whole.len() {
            assert_eq!(topics(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(topics(&metadata(-1, &["a"], b"")), None);
        assert_eq!(topics(&[0, 0, 0x7f, 0xff, 0xff, 0xff]), None);
        assert_eq!(topics(&[0, 0, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
