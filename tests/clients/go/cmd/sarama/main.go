// Sarama makes the round with sarama.
package main

import (
	"context"

	"github.com/IBM/sarama"
	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"tidegate/clients/round"
)

func main() {
	round.Main(round.Library{
		Name:            "sarama",
		Module:          "github.com/IBM/sarama",
		SignIn:          "oauthbearer",
		Idempotent:      true,
		Reauthenticates: true,
		Refused:         sarama.ErrTopicAuthorizationFailed,
		WrongSecret:     sarama.ErrSASLAuthenticationFailed,
		Connect:         connect,
	})
}

// client makes a library's client for each purpose, since the settings of all purposes are one.
type client struct {
	brokers  []string
	settings func() *sarama.Config
	admin    sarama.ClusterAdmin
}

func connect(_ context.Context, server *round.Server, user round.User) (round.Client, error) {
	if server.SignIn == "iam" {
		return nil, server.NoSuchSignIn()
	}
	c := &client{brokers: []string{server.Bootstrap}, settings: func() *sarama.Config { return settings(server, user) }}
	var err error
	c.admin, err = sarama.NewClusterAdmin(c.brokers, c.settings())
	return c, err
}

func settings(server *round.Server, user round.User) *sarama.Config {
	settings := sarama.NewConfig()
	settings.Version = sarama.MaxVersion
	settings.Net.TLS.Enable = true
	settings.Net.TLS.Config = server.TLS
	settings.Net.Proxy.Enable = true
	settings.Net.Proxy.Dialer = server.Dialer
	settings.Net.SASL.Enable = true
	if server.SignIn == "scram" {
		settings.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA512
		settings.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{} }
		settings.Net.SASL.User = user.ScramUsername
		settings.Net.SASL.Password = user.ScramPassword
	} else {
		settings.Net.SASL.Mechanism = sarama.SASLTypeOAuth
		settings.Net.SASL.TokenProvider = &tokens{
			server.Region, credentials.NewStaticCredentialsProvider(user.AccessKeyID, user.SecretAccessKey, ""),
		}
	}
	return settings
}

// tokens are AWS's.
type tokens struct {
	region string
	keys   aws.CredentialsProvider
}

func (t *tokens) Token() (*sarama.AccessToken, error) {
	token, _, err := signer.GenerateAuthTokenFromCredentialsProvider(context.Background(), t.region, t.keys)
	return &sarama.AccessToken{Token: token}, err
}

func (c *client) CreateTopic(_ context.Context, topic string, partitions int) error {
	return c.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: -1}, false)
}

func (c *client) DeleteTopic(_ context.Context, topic string) error {
	return c.admin.DeleteTopic(topic)
}

func (c *client) DeleteGroup(_ context.Context, group string) error {
	return c.admin.DeleteConsumerGroup(group)
}

func (c *client) Committed(_ context.Context, group, topic string) (map[int32]int64, error) {
	found, err := c.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0, 1, 2}})
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for partition, block := range found.Blocks[topic] {
		offsets[partition] = block.Offset
	}
	return offsets, nil
}

func (c *client) Close() error { return c.admin.Close() }
