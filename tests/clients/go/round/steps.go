package round

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
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
	more, err := reader.Read(soon)
	if len(more) > 0 {
		err = fmt.Errorf("%s came after the end", more[0].at())
	}
	return errors.Join(err, reader.Close())
}
