package main

import (
	"context"

	"github.com/IBM/sarama"

	"tidegate/clients/round"
)

// reader reads each partition by a goroutine.
type reader struct {
	round.Inbox
	library sarama.Consumer
	stop    context.CancelFunc
}

func (c *client) Reader(topic string) (round.Reader, error) {
	settings := c.settings()
	settings.Consumer.Return.Errors = true
	library, err := sarama.NewConsumer(c.brokers, settings)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{round.NewInbox(), library, stop}
	partitions, err := library.Partitions(topic)
	for _, partition := range partitions {
		var from sarama.PartitionConsumer
		if from, err = library.ConsumePartition(topic, partition, sarama.OffsetOldest); err != nil {
			break
		}
		go r.forward(ctx, from)
	}
	return r, err
}

func (r *reader) forward(ctx context.Context, from sarama.PartitionConsumer) {
	defer from.AsyncClose()
	for {
		select {
		case message := <-from.Messages():
			r.Put(ctx, record(message), nil)
		case err := <-from.Errors():
			r.Put(ctx, round.Record{}, err)
		case <-ctx.Done():
			return
		}
	}
}

func (r *reader) Close() error {
	r.stop()
	return r.library.Close()
}

func record(message *sarama.ConsumerMessage) round.Record {
	record := round.Record{
		Partition: message.Partition, Offset: message.Offset, Time: message.Timestamp,
		Key: message.Key, Value: message.Value,
	}
	for _, header := range message.Headers {
		record.Headers = append(record.Headers, round.Header{Key: string(header.Key), Value: header.Value})
	}
	return record
}
