// Franz makes the round with franz-go.
package main

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"tidegate/clients/round"
)

func main() {
	round.Main(round.Library{
		Name:            "franz-go",
		Module:          "github.com/twmb/franz-go",
		SignIn:          "iam",
		Idempotent:      true,
		Reauthenticates: true,
		Refused:         kerr.TopicAuthorizationFailed,
		WrongSecret:     kerr.SaslAuthenticationFailed,
		Connect:         connect,
	})
}

// client holds what all franz-go clients of one user have in common, and one for admin calls.
type client struct {
	options []kgo.Opt
	library *kgo.Client
	admin   *kadm.Client
}

func connect(ctx context.Context, server *round.Server, user round.User) (round.Client, error) {
	mechanism, err := mechanism(server, user)
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(server.Bootstrap),
		kgo.Dialer(dialTLS(server)),
		kgo.SASL(mechanism),
	}
	library, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	// With a wrong secret a producer would try again until its context ends; this does not.
	if err := library.Ping(ctx); err != nil {
		library.Close()
		return nil, err
	}
	return &client{options, library, kadm.NewClient(library)}, nil
}

// dialTLS does what the library does where it dials by itself.
func dialTLS(server *round.Server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		conn, err := server.Dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		settings := server.TLS.Clone()
		settings.ServerName = host
		secured := tls.Client(conn, settings)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secured, nil
	}
}

// mechanism signs in; the library's own AWS_MSK_IAM takes the region from the broker's name. Its
// OAUTHBEARER is not here: it does not read the refusal that RFC 7628 has the server send, and so a
// wrong secret does not end in its authentication error.
func mechanism(server *round.Server, user round.User) (sasl.Mechanism, error) {
	switch server.SignIn {
	case "iam":
		return aws.Auth{AccessKey: user.AccessKeyID, SecretKey: user.SecretAccessKey}.AsManagedStreamingIAMMechanism(), nil
	case "scram":
		return scram.Auth{User: user.ScramUsername, Pass: user.ScramPassword}.AsSha512Mechanism(), nil
	default:
		return nil, server.NoSuchSignIn()
	}
}

func (c *client) CreateTopic(ctx context.Context, topic string, partitions int) error {
	_, err := c.admin.CreateTopic(ctx, int32(partitions), -1, nil, topic)
	return err
}

func (c *client) DeleteTopic(ctx context.Context, topic string) error {
	_, err := c.admin.DeleteTopic(ctx, topic)
	return err
}

func (c *client) DeleteGroup(ctx context.Context, group string) error {
	_, err := c.admin.DeleteGroup(ctx, group)
	return err
}

func (c *client) Committed(ctx context.Context, group, topic string) (map[int32]int64, error) {
	found, err := c.admin.FetchOffsetsForTopics(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	for partition, offset := range found.Offsets()[topic] {
		offsets[partition] = offset.At
	}
	return offsets, found.Error()
}

func (c *client) Close() error {
	c.library.Close()
	return nil
}

// open makes a further franz-go client, since that is producer and consumer in one.
func (c *client) open(more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(more, c.options...)...)
}
