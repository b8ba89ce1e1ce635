//! Values of any message, drawn from a source; and one valid frame for every key and version.
//!
//! Owns: what a value looks like, by type. The tables derive the rest (`schema.rs`).
//! Does not own: chance. A wild source draws from the bytes it was given, a tame one draws nothing.
//! For tests and fuzzers only: behind the feature `samples`.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::header::RequestHeader;
use crate::records::Records;
use crate::request::Request;
use crate::schema::{FieldSchema, Message};
use crate::wire_type::Shape;
use crate::writer::SEGMENT_BYTES_MIN;

/// The topic that the frames of [`sample_frames`] name; their partition is 1.
pub const SAMPLE_TOPIC: &str = "samples";

/// Kafka's number for a topic, where properties of several kinds of things are named.
const TOPIC_RESOURCE: i8 = 2;

/// One batch of format v2 with one record, as kafka-clients 4.3.1 encodes it: producer 7, epoch 2, sequence 5.
pub const SAMPLE_BATCH: &[u8] = &[
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00,
    0x02, 0xde, 0xd6, 0xf8, 0xec, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x8b, 0xcf,
    0xe5, 0x68, 0x00, 0x00, 0x00, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x07, 0x00, 0x02, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x01, 0x1c, 0x00, 0x00,
    0x00, 0x06, 0x6b, 0x65, 0x79, 0x0a, 0x76, 0x61, 0x6c, 0x75, 0x65, 0x00,
];

/// Longest array that a wild source draws. Below 16, so that an array is never mistaken for a UUID in a debug text.
const ELEMENTS_MAX: usize = 4;

/// What values are drawn from.
#[derive(Debug)]
pub enum Source {
    /// Values that a server can act on: the sample topic, small numbers, one element per array.
    Tame,
    /// Any value. Decisions are taken from the bytes; when they are used up, the smallest value is drawn, so a
    /// shorter list of bytes gives a simpler value.
    Wild(std::vec::IntoIter<u8>),
}

impl Source {
    /// Draws from these bytes.
    #[must_use]
    pub fn wild(entropy: Vec<u8>) -> Self {
        Self::Wild(entropy.into_iter())
    }

    /// Draws from as many bytes as any message needs, told by a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut numbers = XorShift::new(seed);
        Self::wild(
            std::iter::repeat_with(|| numbers.next_u64() as u8)
                .take(4096)
                .collect(),
        )
    }

    /// Whether the default of a field stays.
    pub fn keeps_default(&mut self, field: &FieldSchema, has_default: bool) -> bool {
        match self {
            Self::Tame => has_default || field.tag.is_some(),
            Self::Wild(_) => field.tag.is_some() && self.below(3) == 0,
        }
    }

    fn byte(&mut self) -> u8 {
        match self {
            Self::Tame => 1,
            Self::Wild(bytes) => bytes.next().unwrap_or(0),
        }
    }

    fn below(&mut self, limit: u8) -> usize {
        usize::from(self.byte() % limit)
    }

    /// Small numbers most of the time, the largest and smallest sometimes, any number otherwise.
    fn integer(&mut self) -> i64 {
        match self.byte() {
            0xff => i64::MAX,
            0xfe => i64::MIN,
            0xfd => -1,
            small @ 0..=0x9f => small.into(),
            _ => i64::from_be_bytes(std::array::from_fn(|_| self.byte())),
        }
    }
}

/// A type whose values can be drawn.
pub trait Sample {
    /// Draws a value that can be encoded in this shape.
    fn sample(source: &mut Source, shape: Shape) -> Self;
}

/// Draws a message.
pub(crate) fn message<M: Message + Sample>(source: &mut Source, version: i16) -> M {
    M::sample(source, M::shape(version))
}

macro_rules! sample_integers {
    ($($ty:ty)*) => {$(
        impl Sample for $ty {
            fn sample(source: &mut Source, _: Shape) -> Self {
                source.integer() as $ty
            }
        }
    )*};
}

sample_integers!(i8 i16 u16 i32 i64);

impl Sample for f64 {
    fn sample(source: &mut Source, _: Shape) -> Self {
        source.integer() as f64
    }
}

impl Sample for bool {
    fn sample(source: &mut Source, _: Shape) -> Self {
        source.below(2) == 1
    }
}

impl Sample for [u8; 16] {
    fn sample(source: &mut Source, _: Shape) -> Self {
        std::array::from_fn(|_| source.byte())
    }
}

impl Sample for String {
    fn sample(source: &mut Source, _: Shape) -> Self {
        if matches!(source, Source::Tame) {
            return SAMPLE_TOPIC.to_owned();
        }
        match source.below(8) {
            0 => String::new(),
            1 => "ünïcode-名前".to_owned(),
            2 => "x".repeat(126 + source.below(4)),
            3 => "y".repeat(249),
            _ => (0..source.below(20))
                .map(|_| char::from(b'a' + source.below(26) as u8))
                .collect(),
        }
    }
}

impl Sample for Bytes {
    fn sample(source: &mut Source, _: Shape) -> Self {
        if matches!(source, Source::Tame) {
            return Self::from_static(SAMPLE_BATCH);
        }
        match source.below(4) {
            0 => Self::new(),
            1 => vec![source.byte(); SEGMENT_BYTES_MIN - 1 + source.below(3)].into(),
            2 => vec![source.byte(); 20 * SEGMENT_BYTES_MIN].into(),
            _ => (0..source.below(80)).map(|_| source.byte()).collect(),
        }
    }
}

impl Sample for Records {
    fn sample(source: &mut Source, shape: Shape) -> Self {
        Self::new(Vec::sample(source, shape))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source, shape: Shape) -> Self {
        let count = match source {
            Source::Tame => 1,
            Source::Wild(_) => source.below(ELEMENTS_MAX as u8 + 1),
        };
        (0..count)
            .map(|_| T::sample(source, shape.element()))
            .collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source, shape: Shape) -> Self {
        let is_null = shape.nullable && source.below(3) == 0;
        (!is_null).then(|| T::sample(source, shape))
    }
}

/// One valid request frame, length included, for every key and version: key, version, bytes. They name the topic
/// [`SAMPLE_TOPIC`] and its partition 1, so a server that has it reaches deep into its handlers.
#[must_use]
pub fn sample_frames() -> Vec<(ApiKey, i16, Vec<u8>)> {
    let versions = |key: &ApiKey| {
        let key = *key;
        (key.versions().min..=key.versions().max).map(move |version| (key, version))
    };
    let frame = |(key, version)| (key, version, sample_frame(key, version));
    ApiKey::ALL.iter().flat_map(versions).map(frame).collect()
}

fn sample_frame(api_key: ApiKey, api_version: i16) -> Vec<u8> {
    let mut request = Request::sample(&mut Source::Tame, api_key, api_version);
    match &mut request {
        // Without a transaction, so that the batch can be appended.
        Request::Produce(produce) => produce.transactional_id = None,
        Request::InitProducerId(init) => init.transactional_id = None,
        Request::SaslHandshake(handshake) => "PLAIN".clone_into(&mut handshake.mechanism),
        Request::SaslAuthenticate(authenticate) => {
            authenticate.auth_bytes = Bytes::from_static(b"\0samples\0samples");
        }
        Request::DescribeConfigs(describe) => {
            let resources = describe.resources.iter_mut();
            resources.for_each(|resource| resource.resource_type = TOPIC_RESOURCE);
        }
        Request::AlterConfigs(alter) => {
            let resources = alter.resources.iter_mut();
            resources.for_each(|resource| resource.resource_type = TOPIC_RESOURCE);
        }
        Request::IncrementalAlterConfigs(alter) => {
            let resources = alter.resources.iter_mut();
            resources.for_each(|resource| resource.resource_type = TOPIC_RESOURCE);
        }
        _ => {}
    }
    let client_id = Some("samples".to_owned());
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id: 1,
        client_id,
    };
    request.encode(&header).to_bytes().to_vec()
}

/// A stream of numbers told by its seed (Marsaglia 2003).
#[derive(Clone, Debug)]
pub struct XorShift(u64);

impl XorShift {
    /// Starts a stream.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Zero is the one state that the generator never leaves; spreading the bits keeps small seeds apart.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`, which is above zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next_u64() >> 11) as usize % limit
    }
}
