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
    /// The type with this number, if there is one.
    pub(crate) const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            8 => Some(Self::BrokerLogger),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
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
