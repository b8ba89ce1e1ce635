//! SCRAM against the example of RFC 7677, and its messages against what is wrong with them.

use super::*;

const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

fn example() -> (AwaitingProof, String) {
    let hash = ScramHash::Sha256;
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = scram_keys(hash, "pencil", &salt, 4096).unwrap();
    let challenge = Challenge {
        known: true,
        iterations: 4096,
        salt: keys.salt,
        stored_key: Zeroizing::new(keys.stored_key),
        server_key: Zeroizing::new(keys.server_key),
    };
    let first = ClientFirst::parse(CLIENT_FIRST.as_bytes()).unwrap();
    AwaitingProof::answer(hash, first, challenge, SERVER_NONCE)
}

fn check(client_final: &str) -> Result<String, ScramFailure> {
    let (awaiting, _) = example();
    awaiting.check(client_final.as_bytes())
}

#[test]
fn the_example_of_rfc_7677_is_followed_to_the_letter() {
    let (_, server_first) = example();
    assert_eq!(
        server_first,
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let server_final = check(
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    assert_eq!(
        server_final.as_deref(),
        Ok("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    );
}

#[test]
fn a_last_message_that_differs_is_refused_for_what_differs() {
    let good = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert!(check(good).is_ok());
    let changed = |from, to| check(&good.replace(from, to)).unwrap_err();
    assert_eq!(changed("biws", "eSws"), ScramFailure::ChannelBinding);
    assert_eq!(changed("%hvY", "%hvZ"), ScramFailure::Nonce);
    assert_eq!(
        changed("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
        ScramFailure::Nonce
    );
    let proof = ScramFailure::Proof {
        username: "user".into(),
    };
    assert_eq!(changed("p=dH", "p=eH"), proof);
    // The client's part twice, as old librdkafka sends it, is as good; only the proof is another.
    assert_eq!(changed("r=", "r=rOprNGfwEbeRWgbNEkqO"), proof);
    assert_eq!(changed("r=", "r=rOprNGfw"), ScramFailure::Nonce);
    assert_eq!(changed(",p=", ",x=y,p="), proof);
    for (from, to) in [
        ("p=dHzb", "p="),
        ("dVQ=", "dVQ"),
        (",p=", ",q="),
        ("c=biws,", ""),
        ("c=biws", "c=biw"),
        ("biws,r=", "biws,x=y,r="),
        (",p=", ",x,p="),
    ] {
        let failure = changed(from, to);
        assert!(matches!(failure, ScramFailure::Malformed { .. }), "{to}");
    }
}

#[test]
fn every_changed_bit_of_the_proof_is_noticed() {
    let proof = STANDARD
        .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        .unwrap();
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    for bit in 0..proof.len() * 8 {
        let mut proof = proof.clone();
        proof[bit / 8] ^= 1 << (bit % 8);
        let proof = STANDARD.encode(proof);
        let refused = check(&format!("c=biws,r={nonce},p={proof}"));
        assert!(matches!(refused, Err(ScramFailure::Proof { .. })));
    }
}

#[test]
fn first_messages_are_read_as_rfc_5802_has_them() {
    let first = ClientFirst::parse(b"y,a=b=2Cc,n=b=2Cc,r=abc,tokenauth=false,x=y=z").unwrap();
    assert_eq!(first.header, "y,a=b=2Cc,");
    assert_eq!(first.bare, "n=b=2Cc,r=abc,tokenauth=false,x=y=z");
    assert_eq!(first.authorization_id.as_deref(), Some("b,c"));
    assert_eq!((&*first.username, first.nonce), ("b,c", "abc"));

    let refused = |message: &str| ClientFirst::parse(message.as_bytes()).err().unwrap();
    assert_eq!(
        refused("p=tls-unique,,n=a,r=b"),
        ScramFailure::ChannelBinding
    );
    assert_eq!(refused("n,,m=x,n=a,r=b"), ScramFailure::MandatoryExtension);
    assert_eq!(
        refused("n,,n=a,r=b,tokenauth=true"),
        ScramFailure::DelegationToken
    );
    for wrong in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=a",
        "n,,n=a,",
        "n,,n=,r=b",
        "n,,n=a,r=",
        "n,,r=b,n=a",
        "n,x=a,n=a,r=b",
        "n,a=,n=a,r=b",
        "n,,n=a=b,r=c",
        "n,,n=a,r=b c",
        "n,,n=a,r=é",
        "n,,n=a,r=b,x",
        "x,,n=a,r=b",
        ",,n=a,r=b",
    ] {
        assert!(
            matches!(refused(wrong), ScramFailure::Malformed { .. }),
            "{wrong}"
        );
    }
    assert!(ClientFirst::parse(b"n,,n=\xff,r=b").is_err());
}

#[test]
fn keys_are_made_only_of_what_kafka_takes() {
    let hash = ScramHash::Sha512;
    let error = |password, salt: &[u8], iterations| {
        scram_keys(hash, password, salt, iterations).err().unwrap()
    };
    assert_eq!(
        error("p", b"salt", 4095),
        ScramParameterError::Iterations { iterations: 4095 }
    );
    assert_eq!(
        error("p", b"salt", 16_385),
        ScramParameterError::Iterations { iterations: 16_385 }
    );
    assert_eq!(error("", b"salt", 4096), ScramParameterError::EmptyPassword);
    assert_eq!(error("p", b"", 4096), ScramParameterError::EmptySalt);
    let salts = ScramSalts {
        sha256: [1; SCRAM_SALT_BYTES],
        sha512: [2; SCRAM_SALT_BYTES],
    };
    let nameless = scram_credential("", "p", 4096, &salts);
    assert_eq!(nameless.err(), Some(ScramParameterError::EmptyUsername));
    let user = scram_credential("alice", "p", 4096, &salts).unwrap();
    assert_eq!(
        (user.sha256.salt.len(), user.sha256.stored_key.len()),
        (16, 32)
    );
    assert_eq!(
        (user.sha512.salt.len(), user.sha512.stored_key.len()),
        (16, 64)
    );
}
