"""What the round needs of a client library, and the records it writes and compares."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from ready import Ready

PARTITIONS = [0, 1, 2]
STEP_MS = 10
# What else a consumer asks for on the connection waits behind a fetch that waits.
FETCH_WAIT_MS = 100


@dataclass(frozen=True)
class Record:
    """What is written, in the form in which it must be read back."""

    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: list


@dataclass
class Library(ABC):
    """One client library, as far as the round needs it; its clients sign in as `user`, or as the cluster's own."""

    ready: Ready
    sign_in: str

    name = None
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    mechanisms = {"oauthbearer": "OAUTHBEARER"}
    throttle = "felt"
    renewal = "live"
    commit_metadata = "all of it"
    member_poll_s = 0.5
    null_headers = True
    tells_wrong_secret = True

    @abstractmethod
    def create(self, topic):
        """Creates a topic of all `PARTITIONS` and waits until they have leaders."""

    @abstractmethod
    def members(self, group):
        """How many members the group has, by the admin client."""

    @abstractmethod
    def delete(self, topic, group):
        """Deletes both, as far as the library can."""

    @abstractmethod
    def producer(self, codec="none", idempotent=False, user=None):
        """A context with `send_all(topic, partition, records)`, which gives the acknowledged
        offsets, and, if throttling is seen, `throttled_ms()`."""

    @abstractmethod
    def consumer(self, group=None, user=None):
        """A context with `assign(topic, partition, offset)`, `subscribe(topic)`, `assignment()`,
        `poll(seconds)`, which gives (partition, offset, Record) of each, `span(topic, partition)`,
        `offset_at(topic, partition, timestamp_ms)`, `commit(topic, {partition: offset}, metadata)`
        and `committed(topic, partition)`, which gives (offset, metadata)."""

    @abstractmethod
    def is_unauthorized(self, error):
        """Whether this is the library's error for a topic that the user may not write."""

    def refuses(self, user):
        """Connects as `user`, and says whether that ended in the library's authentication error. Only
        asked where `tells_wrong_secret`."""
        raise NotImplementedError

    def leftover_errors(self):
        """What the library told beside its calls, though nothing should have failed."""
        return []

    def nth_record(self, n, codec, first_ms):
        """The record at offset n of a partition. All combinations of a key and a value that are null,
        empty or neither, but both null: two of the libraries refuse that."""
        text = f"{codec} {n} ".encode() * 20
        key = (None, b"", f"key-{n}".encode())[n % 3]
        value = text if key is None else (None, b"", text)[n // 3 % 3]
        headers = [("codec", codec.encode()), ("empty", b"")] if n % 2 else []
        if headers and self.null_headers:
            headers.append(("null", None))
        return Record(first_ms + n * STEP_MS, key, value, headers)
