//! Frames that are no request that is served.
//!
//! Owns: unknown keys, unserved versions, bodies that are cut off. Does not own: sign-in.

use anyhow::Result;
use wire::messages::fetch::FetchRequest;
use wire::messages::list_offsets::ListOffsetsRequest;
use wire::messages::metadata::MetadataRequest;
use wire::messages::produce::ProduceRequest;

use crate::side::Side;

/// Asks.
pub async fn run(side: &mut Side) -> Result<()> {
    for (case, key, version) in [
        ("unknown key", 1000, 0),
        ("negative key", -1, 0),
        ("version below", 3, -1),
        ("version above", 3, 14),
    ] {
        let frame = frame(key, version, &[0; 16]);
        side.ask_raw::<MetadataRequest>(case, 0, &frame).await?;
    }
    for version in [0, 2, 14] {
        let case = format!("version {version}");
        let frame = frame(0, version, &[0; 16]);
        side.ask_raw::<ProduceRequest>(&case, 3, &frame).await?;
    }
    for version in [3, 19] {
        let case = format!("version {version}");
        let frame = frame(1, version, &[0; 16]);
        side.ask_raw::<FetchRequest>(&case, 4, &frame).await?;
    }
    for version in [0, 12] {
        let case = format!("version {version}");
        let frame = frame(2, version, &[0; 16]);
        side.ask_raw::<ListOffsetsRequest>(&case, 1, &frame).await?;
    }
    for (case, body) in [
        ("no body", &[][..]),
        ("a count above what came", &[0x7f, 0xff, 0xff, 0xff]),
        ("a name cut off", &[0, 0, 0, 1, 0, 9, b'a']),
        ("bytes after the end", &[0, 0, 0, 0, 1, 9, 9, 9]),
        ("a negative count", &[0xff, 0xff, 0xff, 0xfe, 0]),
        ("a null name", &[0, 0, 0, 1, 0xff, 0xff, 0]),
    ] {
        side.ask_raw::<MetadataRequest>(case, 4, &frame(3, 4, body))
            .await?;
    }
    Ok(())
}

/// A frame with a header of version 1, without a client id.
pub fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    const HEADER_BYTES: usize = 10;
    let length = i32::try_from(HEADER_BYTES + body.len()).expect("bodies here are short");
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(7_i32.to_be_bytes());
    frame.extend((-1_i16).to_be_bytes());
    frame.extend(body);
    frame
}
