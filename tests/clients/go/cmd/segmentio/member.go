package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegate/clients/round"
)

// commitInterval lets the library commit from time to time, and at last in Close. A commit that is
// waited for ends in an error when the session has ended; this one comes again after the member has.
const commitInterval = 100 * time.Millisecond

// member is known to the group by its client id.
type member struct {
	*kafka.Reader
	client   *client
	group    string
	clientID string
	read     []kafka.Message
}

func (c *client) Member(group, topic string) (round.Member, error) {
	dialer := *c.dialer
	dialer.ClientID = rand.Text()
	library := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.bootstrap.String()}, Dialer: &dialer, MaxWait: maxWait,
		GroupID: group, Topic: topic, CommitInterval: commitInterval,
	})
	return &member{Reader: library, client: c, group: group, clientID: dialer.ClientID}, nil
}

func (m *member) Read(ctx context.Context) ([]round.Record, error) {
	message, err := m.FetchMessage(ctx)
	switch {
	case err == nil:
		m.read = append(m.read, message)
		return []round.Record{record(message)}, nil
	case ctx.Err() != nil:
		return nil, nil
	default:
		return nil, err
	}
}

// Assigned asks the server: a Reader does not tell which partitions it has.
func (m *member) Assigned(ctx context.Context) ([]int32, error) {
	answer, err := m.client.admin().DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{m.group}})
	if err != nil {
		return nil, err
	}
	var assigned []int32
	for _, found := range answer.Groups[0].Members {
		if found.ClientID != m.clientID {
			continue
		}
		for _, topic := range found.MemberAssignments.Topics {
			for _, partition := range topic.Partitions {
				assigned = append(assigned, int32(partition))
			}
		}
	}
	return assigned, answer.Groups[0].Error
}

func (m *member) Commit(ctx context.Context) error {
	defer func() { m.read = nil }()
	return m.CommitMessages(ctx, m.read...)
}
