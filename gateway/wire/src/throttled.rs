//! The throttle time of any response.
//!
//! Owns: how `throttle_time_ms` is found in a message, whatever its key. It follows from the tables
//! (`schema.rs`), so a new key needs nothing here. Does not own: how long a client is throttled.

/// A message that may have a field `throttle_time_ms`.
pub(crate) trait Throttled {
    /// Sets the field, if the message has one. A version without it leaves it out when it is encoded.
    fn set_throttle_time_ms(&mut self, throttle_time_ms: i32);
}

/// Sets the field of a message that has this name; leaves every other alone.
macro_rules! set_throttle_time {
    ($message:expr, throttle_time_ms, $value:expr) => {
        $message.throttle_time_ms = $value;
    };
    ($message:expr, $other:ident, $value:expr) => {};
}

pub(crate) use set_throttle_time;

#[cfg(test)]
mod tests {
    use crate::messages::fetch::FetchResponse;
    use crate::messages::produce::ProduceResponse;
    use crate::messages::sasl_handshake::SaslHandshakeResponse;
    use crate::{ApiKey, Response};

    fn throttled(response: impl Into<Response>) -> Response {
        let mut response = response.into();
        response.set_throttle_time_ms(77);
        response
    }

    #[test]
    fn the_field_is_set_wherever_it_stands() {
        let Response::Fetch(fetch) = throttled(FetchResponse::default()) else {
            panic!("the key stays");
        };
        assert_eq!(fetch.throttle_time_ms, 77);
        let Response::Produce(produce) = throttled(ProduceResponse::default()) else {
            panic!("the key stays");
        };
        assert_eq!(produce.throttle_time_ms, 77);
        let without = SaslHandshakeResponse::default();
        assert_eq!(throttled(without.clone()), without.into());
    }

    /// Every key but those of SASL has the field, in its latest version at the least.
    #[test]
    fn every_key_but_those_of_sasl_tells_it() {
        for &key in ApiKey::ALL {
            let version = key.versions().max;
            let mut source = crate::sample::Source::seeded(1);
            let mut response = Response::sample(&mut source, key, version);
            response.set_throttle_time_ms(1);
            let before = response.encode(7, version).to_bytes();
            response.set_throttle_time_ms(2);
            let after = response.encode(7, version).to_bytes();
            let is_sasl = matches!(key, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate);
            assert_eq!(before == after, is_sasl, "{key:?}");
        }
    }
}
