package round

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What `throttle` writes: 12 MB.
const (
	throttleRecords     = 240
	throttleRecordBytes = 50_000
)

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
	return fmt.Errorf("got %v instead of %v", got, wanted)
}
