//! What is forgotten of gateways, and when.

use super::*;
use crate::fixtures::{NOW, append_id, offset};

fn appended(base_offset: u64) -> SessionOutcome {
    SessionOutcome::Appended {
        base_offset: offset(base_offset),
        record_count: 1,
    }
}

fn later(ms: u64) -> Timestamp {
    Timestamp(NOW.0 + ms as i64)
}

#[test]
fn a_further_gateway_waits_until_one_is_silent() {
    let mut sessions = Sessions::default();
    for gateway in 0..SESSIONS_MAX as u64 {
        assert!(sessions.has_room(NOW, append_id(gateway, 0), 0));
        sessions.consume(later(gateway), append_id(gateway, 0), appended(gateway));
    }
    let further = append_id(9999, 0);
    assert!(!sessions.has_room(later(SESSION_EVICTABLE_MS - 1), further, 0));
    assert!(
        sessions.has_room(NOW, append_id(5, 1), 1),
        "those that are known have their place"
    );
    assert!(sessions.has_room(later(SESSION_EVICTABLE_MS), further, 0));
    sessions.touch(later(SESSION_EVICTABLE_MS), GatewayIncarnation(0));
    assert!(
        !sessions.has_room(later(SESSION_EVICTABLE_MS), further, 0),
        "0 asks again, so lives"
    );

    sessions.consume(later(SESSION_EVICTABLE_MS + 1), further, appended(9999));
    assert_eq!(sessions.len(), SESSIONS_MAX);
    let arrival = |gateway, sequence| sessions.judge(append_id(gateway, sequence), 0);
    assert_eq!(arrival(9999, 0), Arrival::Repeat(appended(9999)));
    assert_eq!(arrival(0, 0), Arrival::Repeat(appended(0)));
    assert_eq!(
        arrival(1, 0),
        Arrival::New,
        "the longest silent is forgotten"
    );
    assert_eq!(arrival(2, 0), Arrival::Repeat(appended(2)));
}

#[test]
fn long_silence_ends_a_session() {
    let mut sessions = Sessions::default();
    sessions.consume(NOW, append_id(1, 0), appended(0));
    sessions.consume(later(1), append_id(2, 0), appended(1));
    sessions.expire(later(SESSION_IDLE_MS));
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions.next_sequence(GatewayIncarnation(2)), 1);
}

#[test]
fn results_are_kept_as_far_back_as_anybody_may_ask() {
    let mut sessions = Sessions::default();
    let last = 3 * SESSION_UNANSWERED_MAX;
    for sequence in 0..=last {
        sessions.consume(NOW, append_id(1, sequence), appended(sequence));
    }
    let oldest_asked = last + 1 - SESSION_UNANSWERED_MAX;
    let arrival = |sequence| sessions.judge(append_id(1, sequence), 0);
    assert_eq!(
        arrival(oldest_asked),
        Arrival::Repeat(appended(oldest_asked))
    );
    assert_eq!(arrival(oldest_asked - 1), Arrival::Forgotten);
    assert_eq!(
        sessions.by_gateway[0].results.len() as u64,
        SESSION_UNANSWERED_MAX
    );
}

#[test]
fn merged_sessions_keep_the_bound() {
    let mut sessions = Sessions::default();
    for gateway in 0..SESSIONS_MAX as u64 + 10 {
        let mut one = Sessions::default();
        one.consume(later(gateway), append_id(gateway, 0), appended(gateway));
        sessions.merge(&one.by_gateway[0]);
    }
    sessions.trim();
    assert_eq!(sessions.len(), SESSIONS_MAX);
    assert_eq!(sessions.next_sequence(GatewayIncarnation(9)), 0);
    assert_eq!(sessions.next_sequence(GatewayIncarnation(10)), 1);
}
