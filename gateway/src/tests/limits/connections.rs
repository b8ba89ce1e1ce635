//! Places for connections, and attempts at them.

use auth::TlsName;

use super::super::sign_in::{SCRAM, authenticate, first_message, handshake, last_message, sign_in};
use super::super::world::{ADMIN, PASSWORD};
use super::*;
use crate::limits::DOORSTEP_MAX;

#[tokio::test(start_paused = true)]
async fn one_connection_too_many_waits_for_a_place_and_is_closed() {
    let world = world(|limits| limits.connections_max = 2);
    let mut first = world.connect();
    let mut second = world.connect_tls();
    metadata(&mut first).await;
    sign_in(&mut second, ADMIN, PASSWORD).await;
    let closed_after = world.connect().closed().await;
    assert!((closed_after.as_millis()) >= DOORSTEP_MAX.as_millis() - 1);
    assert_eq!(figures(&world, LimitName::Connections).refused, 1);
    let mut other = world.connect_by(Door::Plaintext(OTHER_CLUSTER));
    assert_eq!(
        metadata(&mut other).await,
        0,
        "another tenant has its own places"
    );
    // One that leaves in time makes room.
    let mut third = world.connect();
    assert!(third.is_quiet_for(ms(500)).await);
    first.hang_up().await;
    assert_eq!(metadata(&mut third).await, 0);
    assert_eq!(figures(&world, LimitName::Connections).used, Some(2));
    world.change_cluster(|cluster| cluster.limits.connections_max = 3);
    assert_eq!(metadata(&mut world.connect()).await, 0);
}

/// Without a name of the virtual cluster in TLS, the last token tells it, and is not answered where there
/// is no place.
#[tokio::test(start_paused = true)]
async fn a_connection_too_many_is_closed_after_its_sign_in_if_that_tells_the_cluster() {
    let world = world(|limits| limits.connections_max = 1);
    let mut first = world.connect_by(Door::Tls(TlsName::Absent));
    assert_eq!(sign_in(&mut first, ADMIN, PASSWORD).await.error_code, 0);
    let mut second = world.connect_by(Door::Tls(TlsName::Absent));
    handshake(&mut second, SCRAM, 1).await;
    let challenge = authenticate(&mut second, first_message(ADMIN)).await;
    let last = last_message(ADMIN, PASSWORD, &challenge.auth_bytes);
    let request = wire::messages::sasl_authenticate::SaslAuthenticateRequest {
        auth_bytes: last.into(),
    };
    second.send(2, request).await;
    assert!(second.closed().await >= DOORSTEP_MAX - ms(1));
    // Signing in again needs no second place.
    assert_eq!(sign_in(&mut first, ADMIN, PASSWORD).await.error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn too_many_attempts_are_delayed_and_then_closed() {
    let world = world(|limits| limits.connection_attempts_per_s = 10);
    let start = Instant::now();
    let mut peers: Vec<_> = (0..40).map(|_| world.connect()).collect();
    for peer in &mut peers[..20] {
        metadata(peer).await;
        assert!(start.elapsed() <= ms(1_010));
    }
    for peer in &mut peers[20..] {
        peer.closed().await;
    }
    assert!(start.elapsed() >= DOORSTEP_MAX);
    let seen = figures(&world, LimitName::ConnectionAttempts);
    assert_eq!((seen.refused, seen.throttled.as_millis()), (20, 1_000));
}
