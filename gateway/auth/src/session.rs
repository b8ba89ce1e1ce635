//! How long a session may last before the client has to sign in again (KIP-368).

use model::Timestamp;

use crate::SignedIn;

/// No session is handed out that ends sooner. AWS has had sessions of under a second here, which
/// clients answer with endless re-authentication; ten seconds past a credential's end are the
/// price.
pub const SESSION_LIFETIME_FLOOR_MS: i64 = 10_000;

/// `session_lifetime_ms` of SaslAuthenticate: the smaller of the credential's remaining life and
/// `connections.max.reauth.ms`, but at least [`SESSION_LIFETIME_FLOOR_MS`]; 0 is without limit.
/// A `max_reauth_ms` of 0 is Kafka's way to say none.
pub fn session_lifetime_ms(
    signed_in: &SignedIn,
    now: Timestamp,
    max_reauth_ms: Option<u64>,
) -> i64 {
    lifetime_ms(signed_in.credential_expires_at(), now, max_reauth_ms)
}

fn lifetime_ms(ends: Option<Timestamp>, now: Timestamp, max_reauth_ms: Option<u64>) -> i64 {
    let credential_ms = ends.map(|end| end.0.saturating_sub(now.0));
    let max_reauth_ms = max_reauth_ms
        .filter(|&ms| ms > 0)
        .map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let shortest_ms = credential_ms.into_iter().chain(max_reauth_ms).min();
    shortest_ms.map_or(0, |ms| ms.max(SESSION_LIFETIME_FLOOR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_whatever_ends_first_but_not_at_once() {
        let now = Timestamp(1_000_000);
        let at = |ms: i64| Some(Timestamp(1_000_000 + ms));
        assert_eq!(lifetime_ms(None, now, None), 0);
        assert_eq!(lifetime_ms(None, now, Some(0)), 0);
        assert_eq!(lifetime_ms(at(898_349), now, None), 898_349);
        assert_eq!(lifetime_ms(at(898_349), now, Some(0)), 898_349);
        assert_eq!(lifetime_ms(at(898_349), now, Some(60_000)), 60_000);
        assert_eq!(lifetime_ms(at(50_000), now, Some(60_000)), 50_000);
        assert_eq!(lifetime_ms(None, now, Some(u64::MAX)), i64::MAX);
        assert_eq!(lifetime_ms(at(740), now, None), SESSION_LIFETIME_FLOOR_MS);
        assert_eq!(lifetime_ms(at(-1), now, None), SESSION_LIFETIME_FLOOR_MS);
        assert_eq!(lifetime_ms(None, now, Some(1)), SESSION_LIFETIME_FLOOR_MS);
        assert_eq!(
            lifetime_ms(Some(Timestamp(i64::MIN)), now, None),
            SESSION_LIFETIME_FLOOR_MS
        );
    }
}
