package main

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidegate/clients/round"
)

type reader struct{ client *kgo.Client }

func (c *client) Reader(topic string) (round.Reader, error) {
	client, err := c.open(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	return &reader{client}, err
}

func (r *reader) Read(ctx context.Context) ([]round.Record, error) {
	var records []round.Record
	fetches := r.client.PollFetches(ctx)
	if err := fetches.Err(); err != nil && !errors.Is(err, ctx.Err()) {
		return nil, err
	}
	fetches.EachRecord(func(read *kgo.Record) {
		record := round.Record{
			Partition: read.Partition, Offset: read.Offset, Time: read.Timestamp, Key: read.Key, Value: read.Value,
		}
		for _, header := range read.Headers {
			record.Headers = append(record.Headers, round.Header(header))
		}
		records = append(records, record)
	})
	return records, nil
}

func (r *reader) Close() error {
	r.client.Close()
	return nil
}

// member is told of its partitions by the library's callbacks.
type member struct {
	reader
	topic    string
	lock     sync.Mutex
	assigned map[int32]bool
}

func (c *client) Member(group, topic string) (round.Member, error) {
	m := &member{topic: topic, assigned: map[int32]bool{}}
	var err error
	m.client, err = c.open(
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(m.hold(true)),
		kgo.OnPartitionsRevoked(m.hold(false)),
		kgo.OnPartitionsLost(m.hold(false)),
	)
	return m, err
}

func (m *member) hold(held bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
		m.lock.Lock()
		defer m.lock.Unlock()
		for _, partition := range changed[m.topic] {
			if held {
				m.assigned[partition] = true
			} else {
				delete(m.assigned, partition)
			}
		}
	}
}

func (m *member) Assigned(context.Context) ([]int32, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	var partitions []int32
	for partition := range m.assigned {
		partitions = append(partitions, partition)
	}
	return partitions, nil
}

func (m *member) Commit(ctx context.Context) error { return m.client.CommitUncommittedOffsets(ctx) }
