//! Verification of presigned requests (AWS Signature Version 4) for `kafka-cluster:Connect`.
//!
//! Owns: the request as the client signed it, whichever mechanism carried it, and the checks it
//! must pass, in a fixed order. Does not own: how a mechanism spells the request, where keys are.
//!
//! Invariant: whatever depends on the cluster map is checked before the verdict is told, together
//! with the signature, which is computed even where there is no key: so neither text nor time
//! says whether a key exists.

mod failure;
mod request;
mod signature;
mod window;

use model::{AccessKey, Timestamp, VirtualCluster};
use subtle::ConstantTimeEq;

pub use failure::IamFailure;
pub(crate) use request::{Parameters, SignedRequest};
use request::{Scope, name};
pub use window::EXPIRES_SECONDS_MAX;
use window::Window;

use crate::credential::Found;

/// What a client signs to be let in.
const CONNECT: &str = "kafka-cluster:Connect";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kafka-cluster";
const TERMINATOR: &str = "aws4_request";
/// Stands for the secret of a key that does not exist. As long as AWS's, so that it costs the same.
const NO_SECRET: &str = "0000000000000000000000000000000000000000";

/// Which hosts a request may be signed for, besides the virtual cluster's advertised names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// No other.
    Advertised,
    /// The regional endpoint of AWS, which is all that the MSK signers can name.
    OrRegionalEndpoint,
}

/// What a request is held against.
pub(crate) struct Rules {
    pub(crate) hosts: Hosts,
    pub(crate) now: Timestamp,
    pub(crate) clock_skew_ms: i64,
}

impl SignedRequest {
    /// The id of the access key that signed it: what has to be looked up before [`Self::verify`].
    pub(crate) fn access_key_id(&self) -> Result<&str, IamFailure> {
        Ok(self.signing_scope()?.access_key_id)
    }

    /// Whether `found` has a key that signed it, and everything else is as it must be. Says when
    /// the request expires.
    pub(crate) fn verify(
        &self,
        found: Option<&Found<'_, AccessKey>>,
        rules: &Rules,
    ) -> Result<Timestamp, IamFailure> {
        let scope = self.signing_scope()?;
        let verdict = self.check(&scope, found, rules);
        let key = found.and_then(|found| found.credential);
        let secret = key.map_or(NO_SECRET, |key| key.secret_access_key.as_str());
        let expected = signature::of(self, &scope, secret);
        let matches = expected.as_bytes().ct_eq(self.signature().as_bytes());
        let expires_at = verdict?;
        if bool::from(matches) {
            Ok(expires_at)
        } else {
            Err(IamFailure::Signature {
                access_key_id: scope.access_key_id.into(),
            })
        }
    }

    /// The checks that need nothing but the request, and come first.
    fn signing_scope(&self) -> Result<Scope<'_>, IamFailure> {
        let action = self.parameter(name::ACTION);
        if action != CONNECT {
            return Err(IamFailure::Action {
                action: action.into(),
            });
        }
        let algorithm = self.parameter(name::ALGORITHM);
        if algorithm != ALGORITHM {
            return Err(IamFailure::Algorithm {
                algorithm: algorithm.into(),
            });
        }
        Scope::parse(self.parameter(name::CREDENTIAL))
    }

    /// Every check but the signature's, in order.
    fn check(
        &self,
        scope: &Scope<'_>,
        found: Option<&Found<'_, AccessKey>>,
        rules: &Rules,
    ) -> Result<Timestamp, IamFailure> {
        let cluster = found.map(|found| &**found.cluster);
        self.check_scope(scope, cluster)?;
        let signed_headers = self.parameter(name::SIGNED_HEADERS);
        if signed_headers != "host" {
            return Err(IamFailure::SignedHeaders {
                signed_headers: signed_headers.into(),
            });
        }
        self.check_host(scope, cluster, rules.hosts)?;
        let date = self.parameter(name::DATE);
        let window = Window::parse(date, self.parameter(name::EXPIRES))?;
        window.check(rules)?;
        let key = found.and_then(|found| found.credential);
        let key = key.ok_or_else(|| IamFailure::UnknownKey {
            access_key_id: scope.access_key_id.into(),
        })?;
        self.check_session(key, rules.now)?;
        Ok(window.expires_at())
    }

    /// The region of a virtual cluster that is not known cannot be wrong.
    fn check_scope(
        &self,
        scope: &Scope<'_>,
        cluster: Option<&VirtualCluster>,
    ) -> Result<(), IamFailure> {
        if scope.service != SERVICE || scope.terminator != TERMINATOR {
            return Err(IamFailure::Scope {
                service: scope.service.into(),
                terminator: scope.terminator.into(),
            });
        }
        if cluster.is_some_and(|cluster| cluster.region != scope.region) {
            return Err(IamFailure::Region {
                region: scope.region.into(),
            });
        }
        let date = self.parameter(name::DATE);
        if date.split('T').next() != Some(scope.date) {
            return Err(IamFailure::ScopeDate {
                scope_date: scope.date.into(),
                date: date.into(),
            });
        }
        Ok(())
    }

    fn check_host(
        &self,
        scope: &Scope<'_>,
        cluster: Option<&VirtualCluster>,
        hosts: Hosts,
    ) -> Result<(), IamFailure> {
        let host = self.host();
        let advertised = |cluster: &VirtualCluster| {
            let mut names = cluster.advertised_names.iter();
            names.any(|name| name.eq_ignore_ascii_case(host))
        };
        let regional = || {
            let endpoint = format!("kafka.{}.amazonaws.com", scope.region);
            let rest = host.strip_prefix(&endpoint);
            hosts == Hosts::OrRegionalEndpoint && matches!(rest, Some("" | ".cn"))
        };
        match cluster {
            Some(cluster) if !advertised(cluster) && !regional() => {
                Err(IamFailure::Host { host: host.into() })
            }
            _ => Ok(()),
        }
    }

    /// A temporary key comes with its token, before its end; a permanent one without any.
    fn check_session(&self, key: &AccessKey, now: Timestamp) -> Result<(), IamFailure> {
        let access_key_id = || key.access_key_id.as_str().into();
        match (&key.session_token, self.session_token()) {
            (None, None) => {}
            (Some(expected), Some(given)) => {
                if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
                    return Err(IamFailure::SessionToken {
                        access_key_id: access_key_id(),
                    });
                }
            }
            (Some(_), None) => {
                return Err(IamFailure::SessionTokenMissing {
                    access_key_id: access_key_id(),
                });
            }
            (None, Some(_)) => {
                return Err(IamFailure::SessionTokenUnexpected {
                    access_key_id: access_key_id(),
                });
            }
        }
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(IamFailure::KeyExpired {
                access_key_id: access_key_id(),
            });
        }
        Ok(())
    }
}
