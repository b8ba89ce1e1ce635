//! What is known of a connection before its client signs in.
//!
//! Owns: which virtual cluster the TLS name selects, and the settings of sign-in. Does not own:
//! TLS.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use model::{ClusterMap, VirtualClusterId};
use zeroize::Zeroizing;

/// How far ahead of our clock a signature's date may lie. AWS's general rule is five minutes; what
/// is further ahead is refused.
pub const CLOCK_SKEW_MS: i64 = 5 * 60 * 1000;

/// What the name that the client gave in TLS (SNI) selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsName {
    /// No name, or one that can stand for any host: the credential tells the virtual cluster.
    Absent,
    /// This virtual cluster; credentials of any other do not exist here.
    Cluster(VirtualClusterId),
    /// A name that nobody has: every sign-in fails as if the credential did not exist.
    Unknown(UnknownName),
}

/// The SHA-256 of a name that nobody has. Two such names must not look alike where two virtual
/// clusters would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName([u8; 32]);

impl UnknownName {
    fn new(name: &str) -> Self {
        let hash = digest::digest(&SHA256, name.as_bytes());
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl TlsName {
    /// Looks `name` up among the advertised names, whole and without regard to case.
    pub fn resolve(name: Option<&str>, map: &ClusterMap) -> Self {
        let Some(name) = name.map(str::to_ascii_lowercase) else {
            return Self::Absent;
        };
        if let Some(&id) = map.name_owner.get(&name) {
            return Self::Cluster(id);
        }
        if name == "localhost" || name.parse::<IpAddr>().is_ok() {
            return Self::Absent;
        }
        Self::Unknown(UnknownName::new(&name))
    }

    /// The virtual cluster to look for a credential in, given the one that `owner` says has it.
    pub(crate) fn cluster(self, owner: Option<VirtualClusterId>) -> Option<VirtualClusterId> {
        match self {
            Self::Absent => owner,
            Self::Cluster(id) => Some(id),
            Self::Unknown(_) => None,
        }
    }

    /// Tells apart what names select, for salts of users that do not exist.
    pub(crate) fn realm(self) -> Vec<u8> {
        match self {
            Self::Absent => b"absent".to_vec(),
            Self::Cluster(id) => [b"cluster", &id.0.to_be_bytes()[..]].concat(),
            Self::Unknown(name) => [b"unknown", &name.0[..]].concat(),
        }
    }
}

/// Key from which the salts of users that do not exist are derived. All gateways of a deployment
/// share one and keep it over restarts: a salt that changed would give the user's absence away.
#[derive(Clone)]
pub struct FakeSaltSecret(Arc<Zeroizing<[u8; 32]>>);

impl FakeSaltSecret {
    /// A secret made of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for FakeSaltSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeSaltSecret(..)")
    }
}

/// What an exchange needs to know of its connection and of the gateway's settings.
#[derive(Clone, Debug)]
pub struct SignInContext {
    /// What the TLS name selects.
    pub tls_name: TlsName,
    /// How far ahead a signature's date may lie, in milliseconds.
    pub clock_skew_ms: i64,
    /// Key for the salts of unknown SCRAM users.
    pub fake_salt: FakeSaltSecret,
}

impl SignInContext {
    /// A context with the usual tolerance of clocks.
    pub fn new(tls_name: TlsName, fake_salt: FakeSaltSecret) -> Self {
        Self {
            tls_name,
            clock_skew_ms: CLOCK_SKEW_MS,
            fake_salt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_name_selects_a_cluster_the_credential_or_nothing() {
        let mut map = ClusterMap::default();
        let id = VirtualClusterId(7);
        map.name_owner.insert("a.example".to_owned(), id);
        let resolve = |name| TlsName::resolve(Some(name), &map);
        assert_eq!(TlsName::resolve(None, &map), TlsName::Absent);
        assert_eq!(resolve("A.Example"), TlsName::Cluster(id));
        assert!(matches!(resolve("b.a.example"), TlsName::Unknown(_)));
        assert_ne!(resolve("b.example").realm(), resolve("c.example").realm());
        assert_eq!(resolve("b.example").realm(), resolve("B.example").realm());
        assert_eq!(resolve("localhost"), TlsName::Absent);
        assert_eq!(resolve("127.0.0.1"), TlsName::Absent);
        assert_eq!(resolve("::1"), TlsName::Absent);
        assert!(matches!(resolve(""), TlsName::Unknown(_)));

        map.name_owner.insert("localhost".to_owned(), id);
        let localhost = TlsName::resolve(Some("localhost"), &map);
        assert_eq!(localhost, TlsName::Cluster(id));
    }

    #[test]
    fn debug_does_not_print_the_secret() {
        let context = SignInContext::new(TlsName::Absent, FakeSaltSecret::new([0xab; 32]));
        assert!(!format!("{context:?}").contains("171"));
    }
}
