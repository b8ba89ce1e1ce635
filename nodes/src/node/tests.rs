//! What ends by itself is a failure of the node, and what is told to end is none.

use super::*;

/// Runs `work` beside a node; tells whether the node has failed, and has heard of the end.
async fn has_failed(work: impl Future<Output = ()> + Send + 'static, tell: bool) -> bool {
    let (fail, failed) = watch::channel(false);
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(FailAtEnd::new(fail).watch(until_told(work, stopping)));
    if tell {
        stop.send_replace(true);
    }
    // A task that has panicked has ended, and that is what is waited for.
    let _ = task.await;
    *failed.borrow()
}

#[tokio::test]
async fn what_ends_untold_fails_the_node() {
    assert!(has_failed(std::future::ready(()), false).await);
    assert!(has_failed(async { panic!("a bug") }, false).await);
    assert!(!has_failed(std::future::pending(), true).await);
    assert!(
        !has_failed(std::future::ready(()), true).await,
        "it ends with what it works on"
    );
}
