package main

import (
	"context"
	"errors"
	"strings"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"

	"tidegate/clients/round"
)

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

type producer struct {
	sarama.SyncProducer
	metrics metrics.Registry
}

func (c *client) Producer(codec string, idempotent bool) (round.Producer, error) {
	settings := c.settings()
	settings.Producer.RequiredAcks = sarama.WaitForAll
	settings.Producer.Return.Successes = true
	settings.Producer.Partitioner = sarama.NewManualPartitioner
	settings.Producer.Compression = codecs[codec]
	if idempotent {
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1
	}
	library, err := sarama.NewSyncProducer(c.brokers, settings)
	return &producer{library, settings.MetricRegistry}, err
}

func (p *producer) Produce(_ context.Context, topic string, records []*round.Record) error {
	sent := make([]*sarama.ProducerMessage, len(records))
	for i, record := range records {
		sent[i] = &sarama.ProducerMessage{
			Topic: topic, Partition: record.Partition, Timestamp: record.Time,
			Key: sarama.ByteEncoder(record.Key), Value: sarama.ByteEncoder(record.Value),
		}
		for _, header := range record.Headers {
			sent[i].Headers = append(sent[i].Headers, sarama.RecordHeader{Key: []byte(header.Key), Value: header.Value})
		}
	}
	err := p.SendMessages(sent)
	for i, record := range records {
		record.Offset = sent[i].Offset
	}
	if failed := (sarama.ProducerErrors)(nil); errors.As(err, &failed) {
		return failed[0]
	}
	return err
}

// Throttled looks at the library's metrics; it has one for each broker.
func (p *producer) Throttled() bool {
	throttled := false
	p.metrics.Each(func(name string, metric any) {
		times, is := metric.(metrics.Histogram)
		throttled = throttled || is && strings.HasPrefix(name, "throttle-time-in-ms-") && times.Max() > 0
	})
	return throttled
}
