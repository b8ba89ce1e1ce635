//! A presigned request as its client signed it, by the names of the URL form.
//!
//! Owns: which parameters there must be, and which of them were signed. Invariant: no parameter
//! occurs twice, and those that [`SignedRequest::parameter`] can be asked for are there. Values
//! are wiped when dropped, since one is a session token.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use zeroize::Zeroizing;

use super::IamFailure;

/// Names of parameters.
pub(crate) mod name {
    pub(crate) const ACTION: &str = "Action";
    pub(crate) const ALGORITHM: &str = "X-Amz-Algorithm";
    pub(crate) const CREDENTIAL: &str = "X-Amz-Credential";
    pub(crate) const DATE: &str = "X-Amz-Date";
    pub(crate) const EXPIRES: &str = "X-Amz-Expires";
    pub(crate) const SECURITY_TOKEN: &str = "X-Amz-Security-Token";
    pub(crate) const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";
    pub(crate) const SIGNATURE: &str = "X-Amz-Signature";
    pub(crate) const USER_AGENT: &str = "User-Agent";
}

/// What has to be there and is signed.
const REQUIRED: [&str; 6] = [
    name::ACTION,
    name::ALGORITHM,
    name::CREDENTIAL,
    name::DATE,
    name::EXPIRES,
    name::SIGNED_HEADERS,
];

/// Parameters by name, each once.
#[derive(Default)]
pub(crate) struct Parameters(BTreeMap<String, Zeroizing<String>>);

impl Parameters {
    pub(crate) fn insert(
        &mut self,
        name: String,
        value: Zeroizing<String>,
    ) -> Result<(), IamFailure> {
        match self.0.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(value);
                Ok(())
            }
            Entry::Occupied(entry) => Err(IamFailure::Duplicate {
                name: entry.key().as_str().into(),
            }),
        }
    }

    pub(crate) fn remove(&mut self, name: &'static str) -> Result<Zeroizing<String>, IamFailure> {
        let value = self.0.remove(name);
        value.ok_or(IamFailure::Missing { name })
    }
}

/// A request of which nothing but the form is known to be right.
pub(crate) struct SignedRequest {
    host: Zeroizing<String>,
    signature: Zeroizing<String>,
    /// What was signed: all but the signature, and the user agent, which the MSK signers add after
    /// signing.
    signed: Parameters,
}

impl SignedRequest {
    /// The request for `host` with `parameters`, all of them there.
    pub(crate) fn new(
        host: Zeroizing<String>,
        mut parameters: Parameters,
    ) -> Result<Self, IamFailure> {
        for name in REQUIRED {
            if !parameters.0.contains_key(name) {
                return Err(IamFailure::Missing { name });
            }
        }
        let signature = parameters.remove(name::SIGNATURE)?;
        parameters.0.remove(name::USER_AGENT);
        Ok(Self {
            host,
            signature,
            signed: parameters,
        })
    }

    /// The host as it was signed.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn signature(&self) -> &str {
        &self.signature
    }

    pub(super) fn session_token(&self) -> Option<&str> {
        let token = self.signed.0.get(name::SECURITY_TOKEN)?;
        Some(token)
    }

    /// One of the parameters that have to be there.
    pub(super) fn parameter(&self, name: &'static str) -> &str {
        let value = self.signed.0.get(name);
        value.expect("the constructor has seen the required parameters")
    }

    /// All signed names and values.
    pub(super) fn signed(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.signed.0.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `<access key id>/<yyyyMMdd>/<region>/<service>/aws4_request`.
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) terminator: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn parse(credential: &'a str) -> Result<Self, IamFailure> {
        let mut parts = credential.splitn(6, '/');
        let parts = [(); 6].map(|()| parts.next());
        let [
            Some(access_key_id),
            Some(date),
            Some(region),
            Some(service),
            Some(terminator),
            None,
        ] = parts
        else {
            return Err(IamFailure::Credential {
                credential: credential.into(),
            });
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
        })
    }
}
