package round

import "context"

// Inbox hands over what goroutines read to who asks for it: some libraries read each partition by
// a goroutine of its own.
type Inbox struct{ arrivals chan arrival }

type arrival struct {
	record Record
	err    error
}

// NewInbox makes an inbox that holds nothing back: who puts waits until it is read.
func NewInbox() Inbox { return Inbox{make(chan arrival)} }

// Put hands over a record or an error; false if the context ended first.
func (i Inbox) Put(ctx context.Context, record Record, err error) bool {
	select {
	case i.arrivals <- arrival{record, err}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Read is Reader's, with one record at a time.
func (i Inbox) Read(ctx context.Context) ([]Record, error) {
	select {
	case found := <-i.arrivals:
		if found.err != nil {
			return nil, found.err
		}
		return []Record{found.record}, nil
	case <-ctx.Done():
		return nil, nil
	}
}
