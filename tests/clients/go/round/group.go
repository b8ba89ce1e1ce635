package round

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// group leaves the members to the next step.
func (r *round) group(ctx context.Context) (string, error) {
	for range 2 {
		member, err := r.client.Member(r.topic, r.topic)
		if err != nil {
			return "", err
		}
		r.members = append(r.members, member)
	}
	seen := r.unseen()
	for {
		for _, member := range r.members {
			if err := readAll(ctx, member, seen); err != nil {
				return "", err
			}
		}
		shared, err := r.shared(ctx)
		if err != nil {
			return "", err
		}
		if shared && seen.missing() == 0 {
			return "", nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("shared %v, and %d records did not come", shared, seen.missing())
		}
	}
}

// shared is whether each member has partitions, and together they have each partition once.
func (r *round) shared(ctx context.Context) (bool, error) {
	var all []int32
	for _, member := range r.members {
		assigned, err := member.Assigned(ctx)
		if err != nil || len(assigned) == 0 {
			return false, err
		}
		all = append(all, assigned...)
	}
	slices.Sort(all)
	return slices.Equal(all, []int32{0, 1, 2}), nil
}

// readAll takes what a member has at present.
func readAll(ctx context.Context, member Member, seen *seen) error {
	for {
		soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		records, err := member.Read(soon)
		cancel()
		if err != nil || len(records) == 0 {
			return err
		}
		if err := seen.take(records); err != nil {
			return err
		}
	}
}

func (r *round) commit(ctx context.Context) (string, error) {
	for _, member := range r.members {
		if err := errors.Join(member.Commit(ctx), member.Close()); err != nil {
			return "", err
		}
	}
	later, err := r.library.Connect(ctx, r.server, r.server.User)
	if err != nil {
		return "", err
	}
	defer later.Close()
	found, err := later.Committed(ctx, r.topic, r.topic)
	if err == nil && !maps.Equal(found, r.written.ends()) {
		err = fmt.Errorf("the offsets are %v, not %v", found, r.written.ends())
	}
	return "", err
}
