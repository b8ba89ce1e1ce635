//! What a client may ask for the properties of, and who may do it.
//!
//! Owns: Kafka's numbers of the types, the rights on each. Does not own: any property.

use auth::{Action, Resource};

use crate::call::Call;
use crate::error::Fault;
use crate::permission::{Authorized, authorize};

/// A type of resource (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceType {
    Topic,
    Broker,
    BrokerLogger,
    ClientMetrics,
    Group,
}

/// What is to be done to properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Describe,
    Alter,
}

impl ResourceType {
    /// Every type, in the order in which Kafka lists them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Group,
        Self::ClientMetrics,
        Self::BrokerLogger,
        Self::Broker,
        Self::Topic,
    ];

    /// The type with this number, if there is one.
    pub(crate) fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The type's number.
    pub(crate) const fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::BrokerLogger => 8,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// Whether the caller may do this to the properties of the resource called `name`.
    pub(crate) fn authorize(
        self,
        call: &Call,
        name: &str,
        deed: Deed,
    ) -> Result<Authorized<()>, Fault> {
        let (action, resource) = match (self, deed) {
            (Self::Topic, Deed::Describe) => (
                Action::DescribeTopicDynamicConfiguration,
                Resource::Topic(name),
            ),
            (Self::Topic, Deed::Alter) => (
                Action::AlterTopicDynamicConfiguration,
                Resource::Topic(name),
            ),
            (Self::Group, Deed::Describe) => (Action::DescribeGroup, Resource::Group(name)),
            (Self::Group, Deed::Alter) => (Action::AlterGroup, Resource::Group(name)),
            (Self::Broker | Self::BrokerLogger | Self::ClientMetrics, Deed::Describe) => (
                Action::DescribeClusterDynamicConfiguration,
                Resource::Cluster,
            ),
            (Self::Broker | Self::BrokerLogger | Self::ClientMetrics, Deed::Alter) => {
                (Action::AlterClusterDynamicConfiguration, Resource::Cluster)
            }
        };
        Ok(authorize(&call.caller, action, resource, ())?)
    }
}
