// Franz makes the round with franz-go.
package main

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
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
	admin   *kadm.Client
}

func connect(server *round.Server, user round.User) (round.Client, error) {
	mechanism, err := mechanism(server, user)
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(server.Bootstrap),
		kgo.Dialer(dialTLS(server)),
		kgo.SASL(mechanism),
	}
	admin, err := kadm.NewOptClient(options...)
	if err != nil {
		return nil, err
	}
	return &client{options, admin}, nil
}

// dialTLS does what the library does where it dials by itself.
func dialTLS(server *round.Server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := server.Dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		settings := server.TLS.Clone()
		if settings.ServerName, _, err = net.SplitHostPort(address); err != nil {
			return nil, err
		}
		secured := tls.Client(conn, settings)
		return secured, secured.HandshakeContext(ctx)
	}
}

// mechanism signs in; the library's own AWS_MSK_IAM takes the region from the broker's name.
func mechanism(server *round.Server, user round.User) (sasl.Mechanism, error) {
	switch server.SignIn {
	case "iam":
		return aws.Auth{AccessKey: user.AccessKeyID, SecretKey: user.SecretAccessKey}.AsManagedStreamingIAMMechanism(), nil
	case "oauthbearer":
		keys := credentials.NewStaticCredentialsProvider(user.AccessKeyID, user.SecretAccessKey, "")
		return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, _, err := signer.GenerateAuthTokenFromCredentialsProvider(ctx, server.Region, keys)
			return oauth.Auth{Token: token}, err
		}), nil
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
	c.admin.Close()
	return nil
}

// open makes a further franz-go client, since that is producer and consumer in one.
func (c *client) open(more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(more, c.options...)...)
}
