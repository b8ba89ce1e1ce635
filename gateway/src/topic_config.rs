//! A topic's properties by Kafka's names, as CreateTopics and DescribeConfigs tell them.
//!
//! Owns: the value of each, and where it comes from. Does not own: which there are (`model`), which
//! may be set (`catalog`). All of Kafka's list is told, with an effect or not, so that clients that
//! read, change and write properties back do not stumble.

use std::borrow::Cow;

use model::{Limits, TopicConfig, TopicProperty};

use crate::config_source::ConfigSource;

/// One property of one topic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Property {
    pub(crate) is: &'static TopicProperty,
    /// What would hold if its owner had set nothing.
    pub(crate) default: Cow<'static, str>,
    /// The value as its owner wrote it, or the default.
    pub(crate) written: String,
    /// The value without what does not count.
    pub(crate) value: String,
    pub(crate) source: ConfigSource,
}

/// Every property of a topic, by name; the limits are those of its virtual cluster.
pub(crate) fn describe(config: &TopicConfig, limits: &Limits) -> Vec<Property> {
    let effective = config.with_effect();
    let properties = model::topic_property::TOPIC_PROPERTIES.iter();
    let described = properties.map(|property| {
        let written = config.written.get(property.name);
        let effective = effective.iter().find(|(name, _)| *name == property.name);
        let default = property.default_in(limits);
        let effective = effective.map_or(property.default, |(_, value)| value);
        let value = match written {
            Some(written) => property.parse(written).ok(),
            None => None,
        };
        // An older release kept what has an effect without what was written.
        let is_set = written.is_some() || effective != default;
        Property {
            is: property,
            default,
            written: written.map_or(effective, String::as_str).to_owned(),
            value: value.unwrap_or_else(|| effective.to_owned()),
            source: if is_set {
                ConfigSource::Topic
            } else {
                ConfigSource::of_default(property.name)
            },
        }
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_is_there_once_with_its_effective_value() {
        let mut config = TopicConfig {
            retention_ms: None,
            ..TopicConfig::default()
        };
        for (name, value) in [
            ("segment.ms", " 1000 "),
            ("flush.ms", "9223372036854775807"),
        ] {
            config.written.insert(name.to_owned(), value.to_owned());
        }
        let properties = describe(&config, &Limits::serverless());
        let in_order = |pair: &[Property]| pair[0].is.name < pair[1].is.name;
        assert!(properties.windows(2).all(in_order));
        let find = |name: &str| {
            let property = properties.iter().find(|p| p.is.name == name).unwrap();
            (&*property.written, &*property.value, property.source)
        };
        assert_eq!(find("retention.ms"), ("-1", "-1", ConfigSource::Topic));
        assert_eq!(find("segment.ms"), (" 1000 ", "1000", ConfigSource::Topic));
        assert_eq!(find("flush.ms").2, ConfigSource::Topic);
        let default = ("delete", "delete", ConfigSource::Default);
        assert_eq!(find("cleanup.policy"), default);
        let of_brokers = ("1", "1", ConfigSource::AllBrokers);
        assert_eq!(find("min.insync.replicas"), of_brokers);
    }

    #[test]
    fn the_default_is_that_of_the_virtual_cluster() {
        let config = TopicConfig {
            retention_bytes: None,
            ..TopicConfig::default()
        };
        let source = |limits| {
            let mut properties = describe(&config, &limits).into_iter();
            let found = properties.find(|p| p.is.name == "retention.bytes").unwrap();
            assert_eq!(found.value, "-1");
            (found.source, found.default.into_owned())
        };
        let provisioned = (ConfigSource::Default, "-1".to_owned());
        assert_eq!(source(Limits::provisioned()), provisioned);
        let serverless = (ConfigSource::Topic, "268435456000".to_owned());
        assert_eq!(source(Limits::serverless()), serverless);
    }
}
