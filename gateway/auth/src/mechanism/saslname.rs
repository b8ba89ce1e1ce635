//! Names within SASL messages (RFC 5802, "saslname"), where `,` and `=` are escaped.

/// The name that `text` stands for, unless it is empty or wrongly escaped.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('=');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (escaped, rest) = match piece.strip_prefix("2C") {
            Some(rest) => (',', rest),
            None => ('=', piece.strip_prefix("3D")?),
        };
        name.push(escaped);
        name.push_str(rest);
    }
    let allowed = !name.is_empty() && !name.contains('\0') && !text.contains(',');
    allowed.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_equals_signs_are_escaped_and_nothing_else() {
        let decoded = |text| decode(text).unwrap_or_default();
        assert_eq!(decoded("alice"), "alice");
        assert_eq!(decoded("=2Calice=3D=2C3D"), ",alice=,3D");
        assert_eq!(decoded("jörg 💡"), "jörg 💡");
        for wrong in [
            "", "a=b", "a=", "=", "=2c", "=3d", "a,b", "a\0", "=2", "==2C",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
