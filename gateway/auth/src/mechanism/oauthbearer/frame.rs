//! The client's first message of OAUTHBEARER (RFC 7628, section 3.1):
//! `n,[a=<authorization id>],\x01auth=Bearer <token>[\x01<key>=<value>…]\x01\x01`.

use crate::SignInFailure;
use crate::mechanism::saslname;

/// Ends the header and each pair.
const SEPARATOR: char = '\x01';

/// The parts that matter.
pub(super) struct ClientFirst<'a> {
    pub(super) authorization_id: Option<String>,
    pub(super) token: &'a str,
}

fn malformed(what: &'static str) -> SignInFailure {
    SignInFailure::Malformed { what }
}

impl<'a> ClientFirst<'a> {
    /// Reads a message. Pairs other than `auth` are SASL extensions, which nothing here needs.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, SignInFailure> {
        let text = std::str::from_utf8(message).map_err(|_| malformed("it is not UTF-8"))?;
        let (header, pairs) = text
            .split_once(SEPARATOR)
            .ok_or(malformed("it has no key and value"))?;
        let pairs = pairs
            .strip_suffix(SEPARATOR)
            .ok_or(malformed("it does not end with 0x01"))?;
        Ok(Self {
            authorization_id: authorization_id(header)?,
            token: bearer(authorization(pairs)?)?,
        })
    }
}

/// Reads `n,,` or `n,a=<authorization id>,`.
fn authorization_id(header: &str) -> Result<Option<String>, SignInFailure> {
    let id = header
        .strip_prefix("n,")
        .and_then(|header| header.strip_suffix(','))
        .ok_or(malformed("its header is not n,[a=…],"))?;
    if id.is_empty() {
        return Ok(None);
    }
    let name = id.strip_prefix("a=").and_then(saslname::decode);
    name.map(Some)
        .ok_or(malformed("its authorization id is wrongly written"))
}

/// The one value of `auth`.
fn authorization(pairs: &str) -> Result<&str, SignInFailure> {
    let mut found = None;
    for pair in pairs.split_terminator(SEPARATOR) {
        let (key, value) = pair
            .split_once('=')
            .ok_or(malformed("a key has no value"))?;
        if key == "auth" && found.replace(value).is_some() {
            return Err(malformed("auth occurs twice"));
        }
    }
    found.ok_or(malformed("auth is missing"))
}

fn bearer(authorization: &str) -> Result<&str, SignInFailure> {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim_matches(' '))
        }
        _ => Err(malformed("auth is not of the scheme Bearer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(message: &str) -> Option<(Option<String>, &str)> {
        let first = ClientFirst::parse(message.as_bytes()).ok()?;
        Some((first.authorization_id, first.token))
    }

    #[test]
    fn messages_of_real_clients_are_read() {
        let plain = "n,,\x01auth=Bearer abc\x01\x01";
        assert_eq!(parse(plain), Some((None, "abc")));
        let named = "n,a=arn:x=2Cy,\x01auth=bearer  abc\x01logicalCluster=lkc-1\x01\x01";
        assert_eq!(parse(named), Some((Some("arn:x,y".to_owned()), "abc")));
        let later = "n,,\x01host=a.example\x01port=9098\x01auth=BEARER abc\x01\x01";
        assert_eq!(parse(later), Some((None, "abc")));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "\x01",
            "n,,",
            "n,,\x01\x01",
            "n,,\x01auth=Bearer abc",
            "n,\x01auth=Bearer abc\x01\x01",
            "y,,\x01auth=Bearer abc\x01\x01",
            "p=tls-unique,,\x01auth=Bearer abc\x01\x01",
            "n,a=,\x01auth=Bearer abc\x01\x01",
            "n,a=b=c,\x01auth=Bearer abc\x01\x01",
            "n,,\x01auth=Basic abc\x01\x01",
            "n,,\x01auth=Bearer\x01\x01",
            "n,,\x01auth\x01\x01",
            "n,,\x01Auth=Bearer abc\x01\x01",
            "n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert!(ClientFirst::parse(b"n,,\x01auth=Bearer \xff\x01\x01").is_err());
    }
}
