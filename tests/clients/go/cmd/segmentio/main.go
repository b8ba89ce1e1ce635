// Segmentio makes the round with segmentio's kafka-go.
package main

import (
	"context"
	"errors"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/aws_msk_iam_v2"
	"github.com/segmentio/kafka-go/sasl/scram"

	"tidegate/clients/round"
)

func main() {
	round.Main(round.Library{
		Name:   "kafka-go",
		Module: "github.com/segmentio/kafka-go",
		SignIn: "iam",
		// It has InitProducerId, but a Writer that uses it does not exist.
		Idempotent: false,
		// It looks at no session's end, and connects again.
		Reauthenticates: false,
		EmptyIsNull:     true,
		Refused:         kafka.TopicAuthorizationFailed,
		WrongSecret:     kafka.SASLAuthenticationFailed,
		Connect:         connect,
	})
}

// client has the library's two ways to connect: Readers have a Dialer, all else has a Transport.
type client struct {
	bootstrap net.Addr
	dialer    *kafka.Dialer
	transport *kafka.Transport
}

func connect(_ context.Context, server *round.Server, user round.User) (round.Client, error) {
	mechanism, err := mechanism(server, user)
	if err != nil {
		return nil, err
	}
	return &client{
		bootstrap: kafka.TCP(server.Bootstrap),
		dialer:    &kafka.Dialer{DialFunc: server.Dialer.DialContext, TLS: server.TLS, SASLMechanism: mechanism},
		transport: &kafka.Transport{Dial: server.Dialer.DialContext, TLS: server.TLS, SASL: mechanism},
	}, nil
}

func mechanism(server *round.Server, user round.User) (sasl.Mechanism, error) {
	switch server.SignIn {
	case "iam":
		return &aws_msk_iam_v2.Mechanism{
			Signer:      v4.NewSigner(),
			Credentials: credentials.NewStaticCredentialsProvider(user.AccessKeyID, user.SecretAccessKey, ""),
			Region:      server.Region,
		}, nil
	case "scram":
		return scram.Mechanism(scram.SHA512, user.ScramUsername, user.ScramPassword)
	default:
		return nil, server.NoSuchSignIn()
	}
}

// admin makes one admin call on a new connection: the library neither signs in again nor repeats the
// call where the session has ended on an old one.
func (c *client) admin() *kafka.Client {
	c.transport.CloseIdleConnections()
	return &kafka.Client{Addr: c.bootstrap, Transport: c.transport}
}

func (c *client) CreateTopic(ctx context.Context, topic string, partitions int) error {
	answer, err := c.admin().CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}},
	})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c *client) DeleteTopic(ctx context.Context, topic string) error {
	answer, err := c.admin().DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c *client) DeleteGroup(ctx context.Context, group string) error {
	answer, err := c.admin().DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return err
	}
	return answer.Errors[group]
}

func (c *client) Committed(ctx context.Context, group, topic string) (map[int32]int64, error) {
	answer, err := c.admin().OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{topic: {0, 1, 2}},
	})
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	failed := answer.Error
	for _, found := range answer.Topics[topic] {
		offsets[int32(found.Partition)] = found.CommittedOffset
		failed = errors.Join(failed, found.Error)
	}
	return offsets, failed
}

func (c *client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}
