//! Bad input of every kind: it is refused, in the usual words, and never more.

use auth::{Mechanism, SASL_FRAME_BYTES_MAX, SignInFailure, Step};

use crate::fixture::{Client, map, refused};
use crate::scram_client::ScramClient;
use crate::signer::Request;

/// Marsaglia's xorshift: the same numbers in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn bytes(&mut self, length_max: usize) -> Vec<u8> {
        let length = self.below(length_max + 1);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    /// `message` with a few bytes changed, cut, doubled or put in.
    fn spoil(&mut self, message: &[u8]) -> Vec<u8> {
        let mut spoilt = message.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(spoilt.len() + 1);
            match self.below(5) {
                0 => spoilt.truncate(at),
                1 => spoilt.extend_from_within(at..),
                2 => spoilt.insert(at, self.below(256) as u8),
                3 => spoilt.insert(at, b"{}\",:=%&/.\x01\x00"[self.below(12)]),
                _ if at < spoilt.len() => spoilt[at] ^= 1 << self.below(8),
                _ => {}
            }
        }
        spoilt
    }
}

/// Says `messages` until the end of the exchange.
fn talk(client: &Client<'_>, mechanism: &str, messages: &[&[u8]]) -> Option<Step> {
    let mut exchange = client.start(mechanism);
    let mut last = None;
    for message in messages {
        last = Some(client.step(&mut exchange, message));
        if !matches!(last, Some(Step::Continue(_))) {
            break;
        }
    }
    last
}

#[test]
fn messages_of_no_form_are_refused() {
    let map = map();
    let client = Client::new(&map);
    let long = vec![b'a'; SASL_FRAME_BYTES_MAX];
    let deep = "[".repeat(SASL_FRAME_BYTES_MAX);
    for mechanism in Mechanism::ENABLED.map(Mechanism::name) {
        for message in [
            &b""[..],
            b"\0",
            b"\xff\xfe",
            b"{",
            b"{}",
            b"null",
            b"\"\"",
            b"n,,",
            &long,
            deep.as_bytes(),
        ] {
            refused(client.say(mechanism, message));
        }
        let bytes = SASL_FRAME_BYTES_MAX + 1;
        let refusal = refused(client.say(mechanism, &vec![b'{'; bytes]));
        assert_eq!(refusal.detail, SignInFailure::FrameTooLarge { bytes });
    }
}

#[test]
fn the_largest_messages_are_read_in_reasonable_time() {
    let map = map();
    let client = Client::new(&map);
    let token = "t".repeat(40_000);
    let request = Request::bearer().with_token(&token);
    assert!(request.frame().len() < SASL_FRAME_BYTES_MAX);
    refused(client.bear(&request.frame()));
    let pairs: Vec<String> = (0..5_000).map(|i| format!("\"{i}\":\"\"")).collect();
    let payload = format!("{{{}}}", pairs.join(","));
    refused(client.say("AWS_MSK_IAM", payload.as_bytes()));
    let first = format!("n,,n={},r=x{}", "=2C".repeat(10_000), ",a=b".repeat(8_000));
    let step = client.say("SCRAM-SHA-256", first.as_bytes());
    assert!(matches!(step, Step::Continue(_)));
}

#[test]
fn every_cut_message_is_refused() {
    let map = map();
    let client = Client::new(&map);
    let payload = Request::iam().payload();
    for end in 0..payload.len() {
        refused(client.say("AWS_MSK_IAM", &payload.as_bytes()[..end]));
    }
    let frame = Request::bearer().frame();
    // The user agent is not signed, so a token cut within it is good; but no frame is without its
    // end.
    for end in 0..frame.len() - 1 {
        refused(client.bear(&frame[..end]));
    }
}

#[test]
fn random_bytes_never_let_anyone_in() {
    let map = map();
    let client = Client::new(&map);
    let mut chance = Chance(0x0123_4567_89ab_cdef);
    for _ in 0..5_000 {
        for mechanism in Mechanism::ENABLED.map(Mechanism::name) {
            let messages = [chance.bytes(200), chance.bytes(200)];
            let end = talk(&client, mechanism, &[&messages[0], &messages[1]]);
            assert!(!matches!(end, Some(Step::Done { .. })));
        }
    }
}

#[test]
fn spoilt_messages_let_in_no_one_but_by_what_is_not_signed() {
    let map = map();
    let client = Client::named(&map, "a.example");
    let mut chance = Chance(0xfeed_beef_dead_cafe);
    let payload = Request::iam().payload();
    let frame = Request::bearer().frame();
    let mut let_in = 0;
    for _ in 0..10_000 {
        let iam = client.say("AWS_MSK_IAM", &chance.spoil(payload.as_bytes()));
        let bearer = client.bear(&chance.spoil(&frame));
        for step in [iam, bearer] {
            if let Step::Done { identity, .. } = step {
                let_in += 1;
                let arn = "arn:aws:iam::000000000001:user/AKIDEXAMPLE";
                assert_eq!(identity.principal().name(), arn);
            }
        }
    }
    // The user agent, blanks and unknown keys leave some room, but little.
    assert!(let_in < 2_000, "{let_in}");
}

#[test]
fn spoilt_scram_messages_let_in_no_one() {
    let map = map();
    let client = Client::named(&map, "a.example");
    let mut chance = Chance(0xabad_cafe_f00d_d00d);
    let mechanism = "SCRAM-SHA-256";
    let mut scram = ScramClient::new(mechanism, "alice", "pencil");
    let first = scram.first();
    let mut exchange = client.start(mechanism);
    let Step::Continue(challenge) = client.step(&mut exchange, first.as_bytes()) else {
        panic!("the first message is good");
    };
    let last = scram.last(std::str::from_utf8(&challenge).unwrap());
    for _ in 0..5_000 {
        let spoilt_first = chance.spoil(first.as_bytes());
        let spoilt_last = chance.spoil(last.as_bytes());
        for messages in [
            [&spoilt_first[..], last.as_bytes()],
            [first.as_bytes(), &spoilt_last[..]],
        ] {
            let end = talk(&client, mechanism, &messages);
            let unchanged = messages == [first.as_bytes(), last.as_bytes()];
            assert!(unchanged || !matches!(end, Some(Step::Done { .. })));
        }
    }
}
