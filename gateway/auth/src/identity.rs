//! Who has signed in, where, and with what right.
//!
//! Owns: the principal, the credential it came by, its policies as of a cluster map, and the rule
//! of re-authentication. Invariant: a [`SignedIn`] is made by an exchange only, and its principal
//! was allowed to connect by the cluster map it was last refreshed with.

use std::fmt;
use std::sync::Arc;

use model::{ClusterMap, Timestamp, VirtualCluster, VirtualClusterId};

use crate::{Action, Denied, Mechanism, PolicyError, PolicySet, Resource, SignInFailure, decide};

/// What kind of name a principal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// An ARN; an assumed role's holds the session's name, as AWS has it, so that a session of
    /// another name is another principal.
    Iam,
    /// A SCRAM user's name.
    Scram,
}

/// Who does something. Equal principals have the same kind and the same name, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    kind: PrincipalKind,
    name: Arc<str>,
}

impl Principal {
    /// What kind of name it has.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The ARN or the user's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Principal {
    /// As Kafka writes principals: `User:<name>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User:{}", self.name)
    }
}

/// Which credential a client signed in with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CredentialId {
    /// An access key, by its id.
    AccessKey(Arc<str>),
    /// A SCRAM user, by name.
    ScramUser(Arc<str>),
}

/// A client that has signed in.
#[derive(Clone)]
pub struct SignedIn {
    cluster: Arc<VirtualCluster>,
    mechanism: Mechanism,
    principal: Principal,
    credential: CredentialId,
    credential_expires_at: Option<Timestamp>,
    policies: Arc<PolicySet>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("virtual_cluster", &self.cluster.id)
            .field("mechanism", &self.mechanism)
            .field("principal", &self.principal)
            .field("credential", &self.credential)
            .field("credential_expires_at", &self.credential_expires_at)
            .finish_non_exhaustive()
    }
}

/// What the cluster map grants to a credential.
struct Grant {
    principal: Principal,
    policies: PolicySet,
    expires_at: Option<Timestamp>,
}

/// What `cluster` grants to `credential`; nothing where it has no such credential.
fn grant(
    cluster: &VirtualCluster,
    credential: &CredentialId,
) -> Option<Result<Grant, PolicyError>> {
    let (kind, name, policies, expires_at) = match credential {
        CredentialId::AccessKey(id) => {
            let key = cluster.access_keys.get(&**id)?;
            let name = &key.principal_arn;
            (PrincipalKind::Iam, name, &key.policies, key.expires_at)
        }
        CredentialId::ScramUser(name) => {
            let user = cluster.scram_users.get(&**name)?;
            (PrincipalKind::Scram, &user.username, &user.policies, None)
        }
    };
    let name = name.as_str().into();
    Some(PolicySet::parse(policies).map(|policies| Grant {
        principal: Principal { kind, name },
        policies,
        expires_at,
    }))
}

impl SignedIn {
    /// The identity of whoever has proven to hold `credential` of `cluster`, if it may connect.
    /// `proof_expires_at` is the end of the proof itself, where that ends before the credential.
    ///
    /// The caller has found `credential` in `cluster` before.
    pub(crate) fn establish(
        cluster: &Arc<VirtualCluster>,
        mechanism: Mechanism,
        credential: CredentialId,
        proof_expires_at: Option<Timestamp>,
    ) -> Result<Self, SignInFailure> {
        let grant = grant(cluster, &credential).expect("the credential was found before")?;
        let signed_in = Self {
            cluster: Arc::clone(cluster),
            mechanism,
            principal: grant.principal,
            credential,
            credential_expires_at: earlier(proof_expires_at, grant.expires_at),
            policies: Arc::new(grant.policies),
        };
        decide(&signed_in, Action::Connect, Resource::Cluster)?;
        Ok(signed_in)
    }

    /// The same identity as of `map`: to be asked for whenever the cluster map changes, so that
    /// changed policies and removed credentials have effect on live connections.
    ///
    /// Costs nothing where the virtual cluster did not change. On an error the connection is to be
    /// closed.
    pub fn refreshed(&self, map: &ClusterMap) -> Result<Self, SignedOut> {
        let cluster = map.virtual_clusters.get(&self.cluster.id);
        let cluster = cluster.ok_or(SignedOut::VirtualCluster)?;
        if Arc::ptr_eq(cluster, &self.cluster) {
            return Ok(self.clone());
        }
        let grant = grant(cluster, &self.credential).ok_or(SignedOut::Credential)??;
        if grant.principal != self.principal {
            return Err(SignedOut::Principal);
        }
        let signed_in = Self {
            cluster: Arc::clone(cluster),
            credential_expires_at: earlier(self.credential_expires_at, grant.expires_at),
            policies: Arc::new(grant.policies),
            ..self.clone()
        };
        decide(&signed_in, Action::Connect, Resource::Cluster)?;
        Ok(signed_in)
    }

    /// Whether `next`, who has signed in on the same connection, may take this one's place
    /// (KIP-368): by the same mechanism and as the same principal of the same virtual cluster.
    pub fn check_reauthentication(&self, next: &Self) -> Result<(), ReauthenticationRefused> {
        if next.mechanism != self.mechanism {
            return Err(ReauthenticationRefused::Mechanism {
                before: self.mechanism,
                now: next.mechanism,
            });
        }
        let same_cluster = next.cluster.id == self.cluster.id;
        if !same_cluster || next.principal != self.principal {
            return Err(ReauthenticationRefused::Principal {
                before: self.principal.clone(),
                now: next.principal.clone(),
            });
        }
        Ok(())
    }

    /// The virtual cluster that the client sees.
    pub fn virtual_cluster(&self) -> VirtualClusterId {
        self.cluster.id
    }

    /// The virtual cluster as of the map this was last refreshed with.
    pub(crate) fn cluster(&self) -> &VirtualCluster {
        &self.cluster
    }

    /// How the client signed in.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Who the client is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the client signed in with.
    pub fn credential(&self) -> &CredentialId {
        &self.credential
    }

    /// When the credential, or the token made from it, ends.
    pub fn credential_expires_at(&self) -> Option<Timestamp> {
        self.credential_expires_at
    }

    /// What the principal may do.
    pub fn policies(&self) -> &Arc<PolicySet> {
        &self.policies
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// Why a client that had signed in is no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedOut {
    /// The virtual cluster was deleted.
    #[error("the virtual cluster is gone")]
    VirtualCluster,
    /// The credential was deleted.
    #[error("the credential is gone")]
    Credential,
    /// The credential belongs to another principal now.
    #[error("the credential has changed hands")]
    Principal,
    /// A policy of the principal cannot be read, so nothing can be decided for it.
    #[error("the principal's policies cannot be read: {0}")]
    Policy(#[from] PolicyError),
    /// The principal may no longer connect.
    #[error(transparent)]
    NotPermitted(#[from] Denied),
}

/// Why a client may not go on as whom it has signed in again; the texts are Kafka's and safe for
/// the tenant, who has proven to be both.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReauthenticationRefused {
    /// It used another mechanism.
    #[error("Cannot change SASL mechanisms during re-authentication from {before} to {now}")]
    Mechanism {
        /// That of the session.
        before: Mechanism,
        /// That of the re-authentication.
        now: Mechanism,
    },
    /// It is someone else, be it in name or as one of another virtual cluster.
    #[error("Cannot change principals during re-authentication from {before} to {now}")]
    Principal {
        /// That of the session.
        before: Principal,
        /// That of the re-authentication.
        now: Principal,
    },
}
