package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegate/clients/round"
)

// maxWait is how long a poll waits for records, and Close for the last poll.
const maxWait = 500 * time.Millisecond

// reader has a Reader of the library for each partition.
type reader struct {
	round.Inbox
	stop     context.CancelFunc
	closings []func() error
}

func (c *client) Reader(topic string) (round.Reader, error) {
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{Inbox: round.NewInbox(), stop: stop}
	for partition := range round.Partitions {
		library := kafka.NewReader(kafka.ReaderConfig{
			Brokers: []string{c.bootstrap.String()}, Dialer: c.dialer, MaxWait: maxWait, Topic: topic, Partition: partition,
		})
		r.closings = append(r.closings, library.Close)
		go r.forward(ctx, library)
	}
	return r, nil
}

func (r *reader) forward(ctx context.Context, library *kafka.Reader) {
	for ctx.Err() == nil {
		message, err := library.FetchMessage(ctx)
		r.Put(ctx, record(message), err)
	}
}

func (r *reader) Close() error {
	r.stop()
	var failed error
	for _, closing := range r.closings {
		failed = errors.Join(failed, closing())
	}
	return failed
}

func record(message kafka.Message) round.Record {
	record := round.Record{
		Partition: int32(message.Partition), Offset: message.Offset, Time: message.Time,
		Key: message.Key, Value: message.Value,
	}
	for _, header := range message.Headers {
		record.Headers = append(record.Headers, round.Header(header))
	}
	return record
}
