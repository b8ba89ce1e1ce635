//! The gateway's own bounds, and what happens at each. A tenant's limits are in `model::Limits`,
//! an operator's settings in [`crate::GatewayConfig`].

use std::time::Duration;

/// Requests of one connection that may be unanswered; at the bound it is not read. Many, because
/// librdkafka has no bound of its own: while a hot partition's acknowledgements are held, the small
/// requests of its siblings wait behind them, and must not stop the connection by their number.
pub const IN_FLIGHT_REQUESTS_MAX: usize = 2048;

/// Bytes of one connection's unanswered requests; at the bound it is not read. The last request
/// that is read may pass it, so that one of any allowed size is served.
pub const IN_FLIGHT_BYTES_MAX: usize = 32 << 20;

/// Bytes of answers that may wait for one connection's socket; at the bound no further answer is
/// made, so that the connection is not read in the end. The last answer may pass it.
pub const UNSENT_BYTES_MAX: usize = 1 << 20;

/// Pieces that one write hands to the socket; more are written by the next.
pub const WRITE_PIECES_MAX: usize = 64;

/// What a connection reads or writes at a stretch before others of its thread have their turn; about as
/// much as TLS does in 0.2 ms.
pub const TURN_BYTES: usize = 128 * 1024;

/// Memory for a frame is taken in steps: this much at once, then as much again as has arrived. So
/// a frame that is announced and never comes costs this much.
pub const FRAME_STEP_BYTES: usize = 256 << 10;

/// A frame up to this size has its place once its first step is reserved; a longer one is moved as it grows, so that
/// who announces one takes no place for it. What of the place is not reserved yet is not touched.
pub const FRAME_PLACE_BYTES_MAX: usize = 4 * FRAME_STEP_BYTES;

/// The first step before sign-in, when anybody may announce frames.
pub const SIGN_IN_FRAME_STEP_BYTES: usize = 4 << 10;

/// Topics, partitions, and what else a request names, altogether; one that names more closes its
/// connection, since an answer takes more memory than the name that it is for.
pub const REQUEST_ITEMS_MAX: usize = 100_000;

/// Partitions that one Metadata answer describes; topics beyond are answered with INVALID_REQUEST.
/// Far above what a virtual cluster may have.
pub const METADATA_PARTITIONS_MAX: usize = 100_000;

/// Partitions that one DescribeLogDirs answer tells, each of which its owner is asked for; one that
/// would have more is INVALID_REQUEST. Far above what a virtual cluster may have.
pub const LOG_DIR_PARTITIONS_MAX: usize = 100_000;

/// Resources that one ListConfigResources answer lists; one that would have more is INVALID_REQUEST.
/// Far above what a virtual cluster may have.
pub const CONFIG_RESOURCES_MAX: usize = 100_000;

/// Partitions that one DescribeTopicPartitions answer describes, as Kafka's default of
/// `max.request.partition.size.limit`; the others come with the next page.
pub const PAGE_PARTITIONS_MAX: usize = 2000;

/// Properties that one DescribeConfigs answer tells; resources beyond are answered with
/// INVALID_REQUEST. Enough for all topics of a virtual cluster with MSK Serverless's limits.
pub const DESCRIBED_PROPERTIES_MAX: usize = 100_000;

/// Bytes of properties that one DescribeConfigs answer tells; resources beyond are answered with
/// INVALID_REQUEST.
pub const DESCRIBED_BYTES_MAX: usize = 32 << 20;

/// Resources that are described without a pause; then other connections of the thread have a turn.
pub const DESCRIBED_AT_ONCE_MAX: usize = 64;

/// Batches that are compressed anew at one time, each of which takes up to 64 MiB for its records;
/// further ones wait, and their connections are not read meanwhile.
pub const RECOMPRESSIONS_MAX: usize = 4;

/// A batch up to this size is compressed anew on the spot; a larger one on a thread that may block,
/// so that no other connection waits for it.
pub const RECOMPRESS_INLINE_BYTES_MAX: usize = 4 << 10;

/// A frame above this is not kept in a node's cache by a batch that is small against it, see
/// [`BATCH_SHARE_MIN`]: such a batch is copied out.
pub const SHARED_FRAME_BYTES_MAX: usize = 256 << 10;

/// A batch that is smaller than its frame divided by this is small against it.
pub const BATCH_SHARE_MIN: usize = 8;

/// How long the answers that are under way may take when a connection ends for what its client
/// sent, or for its sending no more; then it is closed without them.
pub const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// How long a frame that has begun may wait for memory, or may go without a byte arriving; then
/// the connection is closed, so that what it holds serves others.
pub const FRAME_STALL_MAX: Duration = Duration::from_secs(30);

/// How long a connection waits for a place among those of its virtual cluster, or for its turn among
/// those that come; then it is closed. Clients take an end right after the beginning for bad
/// credentials, and come again at once: waiting is kinder than closing, and slows them down.
pub const DOORSTEP_MAX: Duration = Duration::from_secs(1);

/// Connections of one virtual cluster that may wait so; further ones are closed at once.
pub const DOORSTEP_PLACES_MAX: usize = 512;

/// Longest time that a refusal tells a client to hold back, though there will be room later only:
/// a client stops the whole connection for it (KIP-219).
pub const REFUSAL_THROTTLE_MAX: Duration = Duration::from_secs(10);

/// How long an answer to a failed sign-in is held back, as Kafka's
/// `connection.failed.authentication.delay.ms`; then the connection is closed.
pub const FAILED_SIGN_IN_DELAY: Duration = Duration::from_millis(100);

/// How long, and for how many bytes, a connection that is being closed is still read, so that the
/// last answer is not lost to a reset; then it is closed all the same.
pub const LINGER_MAX: Duration = Duration::from_millis(500);

/// See [`LINGER_MAX`].
pub const LINGER_BYTES_MAX: usize = 1 << 20;

/// How long an append may wait for its node; then it is answered with REQUEST_TIMED_OUT, which
/// clients try again. Below the 30 s after which clients give up on their own.
pub const PARKING_MAX: Duration = Duration::from_secs(25);

/// An append waits at least this long, however short a timeout its request names: giving up
/// sooner would only turn batches that are being written into doubtful ones.
pub const PARKING_MIN: Duration = Duration::from_millis(500);

/// Longest time that an acknowledgement is held so that a partition keeps to its rate; what is
/// owed beyond is paid by the requests that follow.
pub const ACK_HOLD_MAX: Duration = Duration::from_secs(20);

/// Messages that may wait for a lane to take them, each with what one request has for the lane; at
/// the bound those who submit wait, so that their connections are not read.
pub const LANE_MAILBOX_MAX: usize = 1024;

/// Appends that may wait for one node's end of a lane; further ones are dropped, and sent again
/// by the lane's timer.
pub const LANE_BACKLOG_MAX: usize = 4096;

/// A link or a stream of news that broke is opened again after this time.
pub const REOPEN_AFTER: Duration = Duration::from_millis(100);

/// A read that a node refuses for now (not its owner, busy) is tried again after this time.
pub const READ_RETRY_AFTER: Duration = Duration::from_millis(50);

/// A request that finds its group without a coordinator is tried again after this time, until [`PARKING_MAX`]; then
/// it is answered with COORDINATOR_NOT_AVAILABLE, which clients try again. What a coordinator takes for a rebalance
/// does not count; it is bounded by the timeouts that JoinGroup names.
pub const COORDINATOR_RETRY_AFTER: Duration = Duration::from_millis(50);

/// Groups of one request that are asked for at one time; the others wait for their turn.
pub const GROUPS_IN_PARALLEL_MAX: usize = 16;

/// Bytes that one answer tells of groups; groups beyond are answered with INVALID_REQUEST. Those that are asked for
/// at the same time may pass it.
pub const GROUPS_TOLD_BYTES_MAX: usize = 32 << 20;

/// Bytes of metadata that one OffsetCommit brings; offsets beyond are answered with OFFSET_METADATA_TOO_LARGE.
pub const COMMITTED_METADATA_BYTES_MAX: usize = 4 << 20;

/// Longest name of a static member, as Kafka's clients have it; a longer one is INVALID_REQUEST. Coordinators make
/// member ids of it, which must stay short enough to be told.
pub const INSTANCE_ID_BYTES_MAX: usize = 249;

/// A longer client id is cut to this where it is told of a member, for the same reason.
pub const CLIENT_ID_TOLD_BYTES_MAX: usize = 255;

/// Topics, and partitions, of a connection's last fetch that are kept for the next; of a longer list nothing is.
pub const FETCHED_KEPT_MAX: usize = 4096;

/// Bytes of batches that are checked before other tasks have their turn, about a millisecond.
pub const CHECKED_AT_A_STRETCH: usize = 4 << 20;

/// Reads of one request that are under way at one time; the others wait for their turn.
pub const READS_IN_PARALLEL_MAX: usize = 256;

/// When enough was read, reads that are still under way get this long; a partition that is later
/// is empty this time. Longer than a node reads files for at a stretch, however slow its disk is: what is read in vain
/// each time would never arrive.
pub const READ_STRAGGLER_MAX: Duration = Duration::from_millis(100);

/// A fetch that has read nothing yet waits at least this long for its first reads, however short
/// its `max_wait`: a store that is slower than every `max_wait` would otherwise never be read.
pub const READ_PATIENCE_MIN: Duration = Duration::from_secs(1);

/// Longest `max_wait` of a fetch; a longer one is cut, so that an idle connection is still seen to
/// be alive.
pub const FETCH_WAIT_MAX: Duration = Duration::from_secs(60);

/// The news of a partition is believed this long; then a fetch reads its node even if there is
/// said to be nothing. It bounds the harm of news that is lost.
pub const NEWS_BELIEVED_MAX: Duration = Duration::from_secs(10);

/// Most that a fetch is answered with, unless it waits for more: enough to keep a connection busy, and
/// little enough to be still in the processor's cache when it is encrypted, and for a client to work on
/// one answer while the next is read. A single batch may be larger.
pub const FETCH_BYTES_AIM: u32 = 8 << 20;

/// A fetch is given a quarter of the fetch memory that is free, but asks for at least this much
/// and waits for it.
pub const FETCH_SHARE_MIN: u32 = 1 << 20;

/// Largest software name or version of ApiVersions that is accepted; a longer one is invalid.
pub const SOFTWARE_NAME_BYTES_MAX: usize = 256;

/// How often delivered bytes are written to the usage partition.
pub const EGRESS_REPORT_EVERY: Duration = Duration::from_secs(1);

/// How long the last report may take at shutdown; then it is lost, to the tenants' favour.
pub const EGRESS_FLUSH_MAX: Duration = Duration::from_secs(1);

/// How long InitProducerId waits for a block of ids from the control plane; then it is answered with
/// an error that clients retry.
pub const PRODUCER_ID_TIMEOUT: Duration = Duration::from_secs(10);

const _: () = assert!(PARKING_MIN.as_nanos() < PARKING_MAX.as_nanos());
const _: () = assert!(ACK_HOLD_MAX.as_nanos() < PARKING_MAX.as_nanos());
const _: () = assert!(FRAME_STEP_BYTES < IN_FLIGHT_BYTES_MAX);
const _: () = assert!(SIGN_IN_FRAME_STEP_BYTES < FRAME_STEP_BYTES);
