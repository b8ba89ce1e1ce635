package round

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// useFor is longer than two sessions of clients.toml.
	useFor   = 25 * time.Second
	renewals = "tidegate_gateway_sign_ins_renewed_total"
)

// again is the group of the last step.
func (r *round) again() string { return r.topic + "-again" }

// reauthenticated writes a record, reads it as a member of a group and commits, for longer than two
// sessions.
func (r *round) reauthenticated(ctx context.Context) (string, error) {
	before, err := r.renewed()
	if err != nil {
		return "", err
	}
	r.server.Dialer.outlived.Store(false)
	if err := r.useWithoutRest(ctx); err != nil {
		return "", err
	}
	after, err := r.renewed()
	if err != nil {
		return "", err
	}
	// Others may use the server at the same time, so that its counter alone would not do.
	live := after > before && r.server.Dialer.outlived.Load()
	switch {
	case live != r.library.Reauthenticates:
		return "", fmt.Errorf("renewed %v -> %v, a connection outlived the session: %v",
			before, after, r.server.Dialer.outlived.Load())
	case live:
		return "(live)", nil
	default:
		return "(reconnects)", nil
	}
}

func (r *round) useWithoutRest(ctx context.Context) error {
	producer, err := r.client.Producer("none", r.library.Idempotent)
	if err != nil {
		return err
	}
	defer producer.Close()
	member, err := r.client.Member(r.again(), r.topic)
	if err != nil {
		return err
	}
	seen := r.unseen()
	for end := time.Now().Add(useFor); time.Now().Before(end); {
		batch := newBatch("again")[:Partitions]
		if err := producer.Produce(ctx, r.topic, batch); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
		if err := r.written.add(batch); err != nil {
			return err
		}
		for seen.missing() > 0 {
			records, err := member.Read(ctx)
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%d records did not come", seen.missing())
			}
			if err := seen.take(records); err != nil {
				return err
			}
		}
		if err := member.Commit(ctx); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return member.Close()
}

// renewed is how often the server saw a sign-in on a connection that was signed in.
func (r *round) renewed() (float64, error) {
	answer, err := http.Get(r.server.AdminURL + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), renewals+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.New("the server has no metric " + renewals)
}
