//! Why policy documents are refused.

/// Why the policies of a principal are refused. Documents and statements count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Together they are larger than [`super::POLICY_BYTES_MAX`].
    #[error("the policies have {bytes} bytes, more than {max}", max = super::POLICY_BYTES_MAX)]
    TooLarge {
        /// Their size.
        bytes: usize,
    },
    /// Together they have more resource patterns than [`super::RESOURCE_PATTERNS_MAX`].
    #[error(
        "the policies have {patterns} resource patterns, more than {max}",
        max = super::RESOURCE_PATTERNS_MAX
    )]
    TooManyResources {
        /// How many they have.
        patterns: usize,
    },
    /// Their pieces between two `*` that have a `?` are longer than
    /// [`super::WILD_PIECE_BYTES_MAX`].
    #[error(
        "the policies have {bytes} bytes of text with `?` between two `*`, more than {max}",
        max = super::WILD_PIECE_BYTES_MAX
    )]
    TooManyWildcards {
        /// Their size.
        bytes: usize,
    },
    /// A document is not JSON of the shape of a policy.
    #[error("policy {document}: {reason}")]
    Json {
        /// Which.
        document: usize,
        /// What the parser says.
        reason: String,
    },
    /// A document's version is none of AWS's.
    #[error("policy {document}: unknown version {version:?}")]
    Version {
        /// Which.
        document: usize,
        /// Its version.
        version: String,
    },
    /// A document has no statement.
    #[error("policy {document}: it has no statement")]
    Empty {
        /// Which.
        document: usize,
    },
    /// A statement is wrong or has what is not supported.
    #[error("policy {document}, statement {statement}: {fault}")]
    Statement {
        /// Which document.
        document: usize,
        /// Which of its statements.
        statement: usize,
        /// What is wrong.
        fault: StatementFault,
    },
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// It has a condition.
    #[error("conditions are not supported")]
    Condition,
    /// It names a principal.
    #[error("Principal and NotPrincipal have no place in a policy of an identity")]
    Principal,
    /// It has not exactly one of `Action` and `NotAction`.
    #[error("it must have either Action or NotAction, and at least one in it")]
    Actions,
    /// It has not exactly one of `Resource` and `NotResource`.
    #[error("it must have either Resource or NotResource, and at least one in it")]
    Resources,
    /// An action is not of the form `service:name`.
    #[error("{action:?} is not of the form service:action")]
    ActionForm {
        /// The action.
        action: String,
    },
    /// An action of `kafka-cluster` that does not exist.
    #[error("no action is called {action:?}")]
    UnknownAction {
        /// The action.
        action: String,
    },
    /// A resource is neither `*` nor an ARN.
    #[error("{resource:?} is not an ARN of six parts")]
    ResourceForm {
        /// The resource.
        resource: String,
    },
    /// A resource has a policy variable.
    #[error("policy variables are not supported, as in {resource:?}")]
    Variable {
        /// The resource.
        resource: String,
    },
}
