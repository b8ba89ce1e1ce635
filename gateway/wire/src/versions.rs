//! Which versions are served, and which are advertised.
//!
//! Owns: the answer to "is this version served" and the list that an ApiVersions response carries.
//! Does not own: the ranges themselves, which stand in each message's table.
//! Invariant: whatever is served is advertised.

use std::fmt;

use crate::api_key::ApiKey;
use crate::messages::api_versions::ApiVersion;

/// A closed range of versions, as Kafka writes them: both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first version.
    pub min: i16,
    /// The last version; `i16::MAX` where a field has no end.
    pub max: i16,
}

impl Versions {
    /// No version at all.
    pub const NONE: Self = Self {
        min: i16::MAX,
        max: i16::MIN,
    };

    /// From `min` to `max`, both included.
    #[must_use]
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether `version` lies in the range.
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

/// Lowest version of Produce that is advertised, though [`ApiKey::versions`] starts at 3: librdkafka up to 2.11.0
/// looks for versions 0 to 2 before it uses newer compression (KAFKA-18659). A request of those is refused.
pub const PRODUCE_ADVERTISED_MIN: i16 = 0;

impl ApiKey {
    /// The versions that an ApiVersions response offers.
    #[must_use]
    pub const fn advertised_versions(self) -> Versions {
        let served = self.versions();
        match self {
            Self::Produce => Versions::new(PRODUCE_ADVERTISED_MIN, served.max),
            _ => served,
        }
    }

    /// Whether `version` of this key has compact lengths and tagged fields (KIP-482).
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        self.flexible_versions().contains(version)
    }
}

/// Whether a request of this key and version can be decoded.
#[must_use]
pub fn is_supported(api_key: i16, version: i16) -> bool {
    ApiKey::from_code(api_key).is_some_and(|key| key.versions().contains(version))
}

/// The `api_keys` of an ApiVersions response, ascending by key.
#[must_use]
pub fn advertised() -> Vec<ApiVersion> {
    ApiKey::ALL.iter().map(|key| key.advertised()).collect()
}

impl ApiKey {
    /// This key's entry of an ApiVersions response.
    #[must_use]
    pub fn advertised(self) -> ApiVersion {
        let Versions { min, max } = self.advertised_versions();
        ApiVersion {
            api_key: self.code(),
            min_version: min,
            max_version: max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn produce_advertises_what_it_does_not_serve() {
        let produce = advertised()[0].clone();
        assert_eq!(
            (produce.api_key, produce.min_version, produce.max_version),
            (0, 0, 13)
        );
        assert!(!is_supported(0, 2));
        assert!(is_supported(0, 3));
        assert!(!is_supported(0, 14));
    }

    #[test]
    fn the_served_ranges_are_those_of_kafka_4_3() {
        let ranges: Vec<_> = ApiKey::ALL
            .iter()
            .map(|key| (key.code(), key.versions().to_string()))
            .collect();
        let expected = [
            (0, "3-13"),
            (1, "4-18"),
            (2, "1-11"),
            (3, "0-13"),
            (8, "2-10"),
            (9, "1-10"),
            (10, "0-6"),
            (11, "0-9"),
            (12, "0-4"),
            (13, "0-5"),
            (14, "0-5"),
            (15, "0-6"),
            (16, "0-5"),
            (17, "0-1"),
            (18, "0-4"),
            (19, "2-7"),
            (20, "1-6"),
            (21, "0-2"),
            (22, "0-5"),
            (23, "2-4"),
            (32, "1-4"),
            (33, "0-2"),
            (35, "1-5"),
            (36, "0-2"),
            (37, "0-3"),
            (42, "0-2"),
            (44, "0-1"),
            (46, "0-0"),
            (47, "0-0"),
            (60, "0-2"),
            (74, "0-1"),
            (75, "0-0"),
        ];
        assert_eq!(ranges, expected.map(|(key, range)| (key, range.to_owned())));
    }

    #[test]
    fn unknown_keys_and_negative_versions_are_not_supported() {
        assert!(!is_supported(4, 0));
        assert!(!is_supported(-1, 0));
        assert!(!is_supported(3, -1));
        assert!(!Versions::NONE.contains(0));
    }
}
