//! The client's two messages of SCRAM (RFC 5802, section 7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{ScramFailure, ScramHash};
use crate::mechanism::saslname;

fn malformed(what: &'static str) -> ScramFailure {
    ScramFailure::Malformed { what }
}

fn text(message: &[u8]) -> Result<&str, ScramFailure> {
    std::str::from_utf8(message).map_err(|_| malformed("it is not UTF-8"))
}

/// The value of the attribute called `name`.
fn value<'a>(attribute: Option<&'a str>, name: &'static str) -> Result<&'a str, ScramFailure> {
    let value = attribute.and_then(|attribute| attribute.strip_prefix(name)?.strip_prefix('='));
    value
        .filter(|value| !value.is_empty())
        .ok_or(malformed("an attribute is missing or out of place"))
}

/// `n,[a=<authorization id>],n=<user>,r=<nonce>[,<extension>…]`.
pub(super) struct ClientFirst<'a> {
    /// Up to and with the second comma.
    pub(super) header: &'a str,
    /// What follows it.
    pub(super) bare: &'a str,
    pub(super) authorization_id: Option<String>,
    pub(super) username: String,
    pub(super) nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, ScramFailure> {
        let text = text(message)?;
        let (flag, rest) = text.split_once(',').ok_or(malformed("it has no header"))?;
        // `y`: the client could bind to the channel and believes, rightly, that we cannot.
        match flag {
            "n" | "y" => {}
            _ if flag.starts_with("p=") => return Err(ScramFailure::ChannelBinding),
            _ => return Err(malformed("its header is none")),
        }
        let (id, bare) = rest.split_once(',').ok_or(malformed("it has no header"))?;
        let authorization_id = match id {
            "" => None,
            _ => Some(name(value(Some(id), "a")?)?),
        };
        let mut attributes = bare.split(',').peekable();
        if attributes.peek().is_some_and(|a| a.starts_with("m=")) {
            return Err(ScramFailure::MandatoryExtension);
        }
        let username = name(value(attributes.next(), "n")?)?;
        let nonce = value(attributes.next(), "r")?;
        if !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(malformed("the nonce is not printable"));
        }
        for extension in attributes {
            check_extension(extension)?;
        }
        Ok(Self {
            header: &text[..text.len() - bare.len()],
            bare,
            authorization_id,
            username,
            nonce,
        })
    }
}

fn name(text: &str) -> Result<String, ScramFailure> {
    saslname::decode(text).ok_or(malformed("a name is wrongly escaped"))
}

/// Extensions are ignored, but for the one by which Kafka's clients announce a delegation token
/// (KIP-48).
fn check_extension(extension: &str) -> Result<(), ScramFailure> {
    let (key, value) = extension
        .split_once('=')
        .ok_or(malformed("an extension has no value"))?;
    if key == "tokenauth" && value.eq_ignore_ascii_case("true") {
        return Err(ScramFailure::DelegationToken);
    }
    Ok(())
}

/// `c=<channel binding>,r=<nonce>[,<extension>…],p=<proof>`.
pub(super) struct ClientFinal<'a> {
    /// Up to the comma before the proof.
    pub(super) without_proof: &'a str,
    pub(super) channel_binding: Vec<u8>,
    pub(super) nonce: &'a str,
    /// As long as the hash's output.
    pub(super) proof: Vec<u8>,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8], hash: ScramHash) -> Result<Self, ScramFailure> {
        let text = text(message)?;
        let (without_proof, proof) = text
            .rsplit_once(",p=")
            .ok_or(malformed("it has no proof"))?;
        let mut attributes = without_proof.split(',');
        let channel_binding = STANDARD
            .decode(value(attributes.next(), "c")?)
            .map_err(|_| malformed("the channel binding is not base64"))?;
        let nonce = value(attributes.next(), "r")?;
        for extension in attributes {
            check_extension(extension)?;
        }
        let proof = STANDARD.decode(proof).ok();
        let proof = proof.filter(|proof| proof.len() == hash.output_bytes());
        Ok(Self {
            without_proof,
            channel_binding,
            nonce,
            proof: proof.ok_or(malformed("the proof is not base64 of a hash"))?,
        })
    }
}
