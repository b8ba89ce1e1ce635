// Package round is the round that every client library makes against a server, as docs/clients.md
// has it. A program gives it its Library and does nothing else.
package round

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

const (
	roundDeadline = 120 * time.Second
	stepDeadline  = 60 * time.Second
	// quiet is how long nothing has to come, where nothing else is to come.
	quiet = 500 * time.Millisecond
)

// round is one round of one library.
type round struct {
	library Library
	server  *Server
	client  Client
	topic   string
	written written
	members []Member
}

// Main makes the round against the server of the ready file in the first argument, and ends the
// process.
func Main(library Library) {
	if len(os.Args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: %s READY_FILE\n", os.Args[0])
		os.Exit(2)
	}
	// Not all that libraries do can be given a deadline.
	time.AfterFunc(roundDeadline, func() { end(fmt.Errorf("not done in %v", roundDeadline)) })
	end(run(library))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(library Library) error {
	server, err := openServer(os.Args[1], library.SignIn)
	if err != nil {
		return err
	}
	client, err := library.Connect(context.Background(), server, server.User)
	if err != nil {
		return err
	}
	defer client.Close()
	name := strings.ToLower(library.Name) + "-" + rand.Text()
	r := &round{library: library, server: server, client: client, topic: name}
	checked, err := r.steps()
	if err != nil {
		return err
	}
	if err := r.clear(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	fmt.Printf("checked: %s %s, %s: %s\n", library.Name, version(library.Module),
		mechanisms[server.SignIn], strings.Join(checked, " "))
	return nil
}

// steps does everything; each step gives back the word that stands for it in the line.
func (r *round) steps() ([]string, error) {
	var checked []string
	for _, step := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"create", r.create},
		{"produce", r.produce},
		{"read", r.read},
		{"group", r.group},
		{"commit", r.commit},
		{"throttle", r.throttle},
		{"refused", r.refused},
		{"wrong-secret", r.wrongSecret},
		{"re-authenticated", r.reauthenticated},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), stepDeadline)
		word, err := step.run(ctx)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		checked = append(checked, step.name+word)
	}
	return checked, nil
}

// clear deletes what the round made.
func (r *round) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), stepDeadline)
	defer cancel()
	return errors.Join(
		r.client.DeleteGroup(ctx, r.topic),
		r.client.DeleteGroup(ctx, r.again()),
		r.client.DeleteTopic(ctx, r.flooded()),
		r.client.DeleteTopic(ctx, r.topic),
	)
}

// version is that of a module, as go.mod has it.
func version(module string) string {
	build, _ := debug.ReadBuildInfo()
	for _, dependency := range build.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	panic("the program is made without " + module)
}
