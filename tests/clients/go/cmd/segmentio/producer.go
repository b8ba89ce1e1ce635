package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"

	"tidegate/clients/round"
)

var codecs = map[string]kafka.Compression{
	"none":   0,
	"gzip":   kafka.Gzip,
	"snappy": kafka.Snappy,
	"lz4":    kafka.Lz4,
	"zstd":   kafka.Zstd,
}

type producer struct {
	*kafka.Writer
	throttles *throttles
}

func (c *client) Producer(codec string, _ bool) (round.Producer, error) {
	throttles := &throttles{Transport: c.transport}
	return &producer{
		Writer: &kafka.Writer{
			Addr:         c.bootstrap,
			RequiredAcks: kafka.RequireAll,
			Compression:  codecs[codec],
			BatchTimeout: 10 * time.Millisecond,
			Balancer:     kafka.BalancerFunc(toItsPartition),
			Completion:   keepOffsets,
			Transport:    throttles,
		},
		throttles: throttles,
	}, nil
}

// toItsPartition chooses what was chosen before; a Writer does not let its caller do that.
func toItsPartition(message kafka.Message, _ ...int) int {
	return int(message.WriterData.(*round.Record).Partition)
}

// keepOffsets is called with what was written; WriteMessages does not give the offsets back.
func keepOffsets(messages []kafka.Message, err error) {
	if err != nil {
		return
	}
	for _, message := range messages {
		message.WriterData.(*round.Record).Offset = message.Offset
	}
}

func (p *producer) Produce(ctx context.Context, topic string, records []*round.Record) error {
	sent := make([]kafka.Message, len(records))
	for i, record := range records {
		sent[i] = kafka.Message{
			Topic: topic, Time: record.Time, Key: record.Key, Value: record.Value, WriterData: record,
		}
		for _, header := range record.Headers {
			sent[i].Headers = append(sent[i].Headers, kafka.Header(header))
		}
	}
	err := p.WriteMessages(ctx, sent...)
	if failed := (kafka.WriteErrors)(nil); errors.As(err, &failed) {
		return errors.Join(failed...)
	}
	return err
}

func (p *producer) Throttled() bool { return p.throttles.told.Load() }

// throttles stands between a Writer, which does not tell of throttles, and its Transport, where the
// library lets its user see each answer.
type throttles struct {
	*kafka.Transport
	told atomic.Bool
}

func (t *throttles) RoundTrip(ctx context.Context, to net.Addr, request kafka.Request) (kafka.Response, error) {
	answer, err := t.Transport.RoundTrip(ctx, to, request)
	if produced, is := answer.(*produce.Response); is && produced.ThrottleTimeMs > 0 {
		t.told.Store(true)
	}
	return answer, err
}
