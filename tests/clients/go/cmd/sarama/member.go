package main

import (
	"context"
	"sync"

	"github.com/IBM/sarama"

	"tidegate/clients/round"
)

// member is the handler of the library's group sessions: there is one between two rebalances.
type member struct {
	round.Inbox
	library sarama.ConsumerGroup
	topic   string
	stop    context.CancelFunc
	done    sync.WaitGroup
	lock    sync.Mutex
	session sarama.ConsumerGroupSession
}

func (c *client) Member(group, topic string) (round.Member, error) {
	settings := c.settings()
	settings.Consumer.Return.Errors = true
	settings.Consumer.Offsets.Initial = sarama.OffsetOldest
	settings.Consumer.Offsets.AutoCommit.Enable = false
	library, err := sarama.NewConsumerGroup(c.brokers, group, settings)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{Inbox: round.NewInbox(), library: library, topic: topic, stop: stop}
	m.done.Go(func() { m.consume(ctx) })
	m.done.Go(func() {
		for err := range library.Errors() {
			m.Put(ctx, round.Record{}, err)
		}
	})
	return m, nil
}

func (m *member) consume(ctx context.Context) {
	for ctx.Err() == nil {
		if err := m.library.Consume(ctx, []string{m.topic}, m); err != nil {
			m.Put(ctx, round.Record{}, err)
		}
	}
}

// Setup is called when the partitions are shared anew.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.hold(session)
	return nil
}

// Cleanup is called when they are to be shared anew.
func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.hold(nil)
	return nil
}

func (m *member) hold(session sarama.ConsumerGroupSession) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.session = session
}

func (m *member) held() sarama.ConsumerGroupSession {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.session
}

// ConsumeClaim reads one partition.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		if !m.Put(session.Context(), record(message), nil) {
			break
		}
	}
	return nil
}

// Read marks what it hands out.
func (m *member) Read(ctx context.Context) ([]round.Record, error) {
	records, err := m.Inbox.Read(ctx)
	if session := m.held(); session != nil {
		for _, record := range records {
			session.MarkOffset(m.topic, record.Partition, record.Offset+1, "")
		}
	}
	return records, err
}

func (m *member) Assigned(context.Context) ([]int32, error) {
	if session := m.held(); session != nil {
		return session.Claims()[m.topic], nil
	}
	return nil, nil
}

// Commit commits what is marked; an error of it comes to Read.
func (m *member) Commit(context.Context) error {
	if session := m.held(); session != nil {
		session.Commit()
	}
	return nil
}

func (m *member) Close() error {
	m.stop()
	err := m.library.Close()
	m.done.Wait()
	return err
}
