package round

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	throttleRecords     = 240
	throttleRecordBytes = 50_000
)

func (r *round) create(ctx context.Context) (string, error) {
	return "", r.client.CreateTopic(ctx, r.topic, Partitions)
}

func (r *round) produce(ctx context.Context) (string, error) {
	words := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	for _, codec := range words {
		if err := r.produceBatch(ctx, codec, false); err != nil {
			return "", fmt.Errorf("%s: %w", codec, err)
		}
		if !r.library.Idempotent {
			continue
		}
		if err := r.produceBatch(ctx, codec, true); err != nil {
			return "", fmt.Errorf("%s, idempotent: %w", codec, err)
		}
	}
	if r.library.Idempotent {
		words = append(words, "idempotent")
	}
	return "(" + strings.Join(words, " ") + ")", nil
}

func (r *round) produceBatch(ctx context.Context, codec string, idempotent bool) error {
	producer, err := r.client.Producer(codec, idempotent)
	if err != nil {
		return err
	}
	batch := newBatch(codec)
	if err := producer.Produce(ctx, r.topic, batch); err != nil {
		return err
	}
	return errors.Join(r.written.add(batch), producer.Close())
}

func (r *round) read(ctx context.Context) (string, error) { return "", r.readBy(ctx, r.client) }

// unseen is all that was written, to be read once more.
func (r *round) unseen() *seen {
	if r.library.EmptyIsNull {
		return r.written.unseen(bytes.Equal)
	}
	return r.written.unseen(sameOrNull)
}

// readBy reads the topic from its beginning, and expects what was written and nothing else.
func (r *round) readBy(ctx context.Context, client Client) error {
	reader, err := client.Reader(r.topic)
	if err != nil {
		return err
	}
	seen := r.unseen()
	for reads := 0; seen.missing() > 0; {
		records, err := reader.Read(ctx)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d records did not come", seen.missing())
		}
		if err := seen.take(records); err != nil {
			return err
		}
		if reads += len(records); reads+seen.missing() != r.written.count() {
			return errors.New("a record came twice")
		}
	}
	soon, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	if more, err := reader.Read(soon); err != nil || len(more) > 0 {
		return fmt.Errorf("%d records came after the end: %w", len(more), err)
	}
	return reader.Close()
}

// group leaves the members to the next step.
func (r *round) group(ctx context.Context) (string, error) {
	for range 2 {
		member, err := r.client.Member(r.topic, r.topic)
		if err != nil {
			return "", err
		}
		r.members = append(r.members, member)
	}
	seen := r.unseen()
	for {
		for _, member := range r.members {
			if err := readAll(ctx, member, seen); err != nil {
				return "", err
			}
		}
		shared, err := r.shared(ctx)
		if err != nil {
			return "", err
		}
		if shared && seen.missing() == 0 {
			return "", nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("shared %v, and %d records did not come", shared, seen.missing())
		}
	}
}

// shared is whether each member has partitions, and together they have each partition once.
func (r *round) shared(ctx context.Context) (bool, error) {
	var all []int32
	for _, member := range r.members {
		assigned, err := member.Assigned(ctx)
		if err != nil || len(assigned) == 0 {
			return false, err
		}
		all = append(all, assigned...)
	}
	slices.Sort(all)
	return slices.Equal(all, []int32{0, 1, 2}), nil
}

// readAll takes what a member has at present.
func readAll(ctx context.Context, member Member, seen *seen) error {
	for {
		soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		records, err := member.Read(soon)
		cancel()
		if err != nil || len(records) == 0 {
			return err
		}
		if err := seen.take(records); err != nil {
			return err
		}
	}
}

func (r *round) commit(ctx context.Context) (string, error) {
	for _, member := range r.members {
		if err := errors.Join(member.Commit(ctx), member.Close()); err != nil {
			return "", err
		}
	}
	later, err := r.library.Connect(ctx, r.server, r.server.User)
	if err != nil {
		return "", err
	}
	defer later.Close()
	found, err := later.Committed(ctx, r.topic, r.topic)
	if err == nil && !maps.Equal(found, r.written.ends()) {
		err = fmt.Errorf("the offsets are %v, not %v", found, r.written.ends())
	}
	return "", err
}

func (r *round) throttle(ctx context.Context) (string, error) {
	producer, err := r.client.Producer("none", false)
	if err != nil {
		return "", err
	}
	defer producer.Close()
	batch := make([]*Record, throttleRecords)
	value := make([]byte, throttleRecordBytes)
	for i := range batch {
		batch[i] = &Record{Partition: int32(i % Partitions), Time: time.Now(), Value: value}
	}
	if err := r.client.CreateTopic(ctx, r.flooded(), Partitions); err != nil {
		return "", err
	}
	if err := producer.Produce(ctx, r.flooded(), batch); err != nil {
		return "", err
	}
	if !producer.Throttled() {
		return "", errors.New("the library did not tell of a throttle")
	}
	return "(seen)", new(written).add(batch)
}

func (r *round) flooded() string { return r.topic + "-flooded" }

func (r *round) refused(ctx context.Context) (string, error) {
	reader := r.server.Users["reader"]
	client, err := r.library.Connect(ctx, r.server, reader)
	if err != nil {
		return "", err
	}
	if err := errors.Join(r.readBy(ctx, client), client.Close()); err != nil {
		return "", err
	}
	return "", expect(r.library.Refused, r.produceAs(ctx, reader))
}

func (r *round) wrongSecret(ctx context.Context) (string, error) {
	return "", expect(r.library.WrongSecret, r.produceAs(ctx, r.server.withWrongSecret()))
}

// produceAs tries to produce to the topic; some libraries sign in before.
func (r *round) produceAs(ctx context.Context, user User) error {
	client, err := r.library.Connect(ctx, r.server, user)
	if err != nil {
		return err
	}
	defer client.Close()
	producer, err := client.Producer("none", false)
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.Produce(ctx, r.topic, newBatch("refused"))
}

func expect(wanted, got error) error {
	if errors.Is(got, wanted) {
		return nil
	}
	return fmt.Errorf("got %w instead of %w", got, wanted)
}
