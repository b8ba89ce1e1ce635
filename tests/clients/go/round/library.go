package round

import "context"

// Library is a client library, as it says what it can, and what its errors are.
type Library struct {
	// Name is what the library is called, and Module its module, whose version is told.
	Name, Module string
	// SignIn is the usual way to sign in.
	SignIn string
	// Idempotent is whether it has an idempotent producer.
	Idempotent bool
	// Reauthenticates is whether it has KIP-368.
	Reauthenticates bool
	// EmptyIsNull is whether its readers give null for what is empty.
	EmptyIsNull bool
	// Refused and WrongSecret are found by errors.Is in what a produce without the right and a
	// sign-in with a wrong secret end in.
	Refused, WrongSecret error
	// Connect makes a client of a user; it need not sign in yet.
	Connect func(context.Context, *Server, User) (Client, error)
}

// Client is a library with its settings: it makes the admin calls, and whatever else there is.
type Client interface {
	CreateTopic(ctx context.Context, topic string, partitions int) error
	DeleteTopic(ctx context.Context, topic string) error
	DeleteGroup(ctx context.Context, group string) error
	// Committed are a group's offsets of a topic.
	Committed(ctx context.Context, group, topic string) (map[int32]int64, error)
	// Producer compresses by `none`, `gzip`, `snappy`, `lz4` or `zstd`.
	Producer(codec string, idempotent bool) (Producer, error)
	// Reader reads a topic from its beginning.
	Reader(topic string) (Reader, error)
	// Member reads a topic as member of a group, from its beginning where nothing is committed.
	Member(group, topic string) (Member, error)
	Close() error
}

// Producer writes with acks=all.
type Producer interface {
	// Produce returns when all records are acknowledged, with their offsets in them.
	Produce(ctx context.Context, topic string, records []*Record) error
	// Throttled is whether the library has told of a throttle.
	Throttled() bool
	Close() error
}

// Reader reads what there is and what comes.
type Reader interface {
	// Read waits for records until the context ends, which is no error.
	Read(ctx context.Context) ([]Record, error)
	Close() error
}

// Member is a reader who shares the topic with others.
type Member interface {
	Reader
	// Assigned are the partitions of this member.
	Assigned(ctx context.Context) ([]int32, error)
	// Commit commits what was read.
	Commit(ctx context.Context) error
}
