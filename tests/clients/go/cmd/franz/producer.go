package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidegate/clients/round"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

type producer struct {
	client    *kgo.Client
	throttled atomic.Bool
}

func (c *client) Producer(codec string, idempotent bool) (round.Producer, error) {
	p := &producer{}
	options := []kgo.Opt{
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.WithHooks(p),
	}
	if !idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	var err error
	p.client, err = c.open(options...)
	return p, err
}

func (p *producer) Produce(ctx context.Context, topic string, records []*round.Record) error {
	sent := make([]*kgo.Record, len(records))
	for i, record := range records {
		sent[i] = &kgo.Record{
			Topic: topic, Partition: record.Partition, Timestamp: record.Time, Key: record.Key, Value: record.Value,
		}
		for _, header := range record.Headers {
			sent[i].Headers = append(sent[i].Headers, kgo.RecordHeader(header))
		}
	}
	err := p.client.ProduceSync(ctx, sent...).FirstErr()
	for i, record := range records {
		record.Offset = sent[i].Offset
	}
	return err
}

// OnBrokerThrottle is the library's hook.
func (p *producer) OnBrokerThrottle(kgo.BrokerMetadata, time.Duration, bool) { p.throttled.Store(true) }

func (p *producer) Throttled() bool { return p.throttled.Load() }

func (p *producer) Close() error {
	p.client.Close()
	return nil
}
