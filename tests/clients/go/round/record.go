package round

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Partitions is how many the round's topics have.
const Partitions = 3

// Record is a record as it is written, and as it has to come back.
type Record struct {
	Partition  int32
	Offset     int64
	Time       time.Time
	Key, Value []byte
	Headers    []Header
}

// Header is a header of a record.
type Header struct {
	Key   string
	Value []byte
}

func (r *Record) at() string { return fmt.Sprintf("partition %d offset %d", r.Partition, r.Offset) }

// differsIn names the first field that is not as it was written.
func (r *Record) differsIn(written *Record, same sameBytes) string {
	sameHeader := func(a, b Header) bool { return a.Key == b.Key && same(a.Value, b.Value) }
	switch {
	case !same(r.Key, written.Key):
		return fmt.Sprintf("key %s, not %s", told(r.Key), told(written.Key))
	case !same(r.Value, written.Value):
		return fmt.Sprintf("value %s, not %s", told(r.Value), told(written.Value))
	case !r.Time.Equal(written.Time):
		return fmt.Sprintf("time %v, not %v", r.Time, written.Time)
	case !slices.EqualFunc(r.Headers, written.Headers, sameHeader):
		return fmt.Sprintf("headers %#v, not %#v", r.Headers, written.Headers)
	}
	return ""
}

func told(bytes []byte) string {
	if bytes == nil {
		return "null"
	}
	return fmt.Sprintf("%q", bytes)
}

// sameBytes compares keys and values: to bytes.Equal empty and null are the same.
type sameBytes func(a, b []byte) bool

func sameOrNull(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// newBatch makes one record for each partition and each mix of keys, values and headers.
func newBatch(what string) []*Record {
	text := []byte(strings.Repeat(what+" ", 20))
	headers := []Header{{"what", []byte(what)}, {"empty", []byte{}}, {"null", nil}}
	now := time.UnixMilli(time.Now().UnixMilli())
	var batch []*Record
	for _, key := range [][]byte{nil, {}, []byte("key of " + what)} {
		for _, value := range [][]byte{nil, {}, text} {
			for _, some := range [][]Header{nil, headers} {
				for partition := range int32(Partitions) {
					now = now.Add(time.Millisecond)
					batch = append(batch, &Record{Partition: partition, Time: now, Key: key, Value: value, Headers: some})
				}
			}
		}
	}
	return batch
}

// written is all that was acknowledged in a topic, by partition and offset.
type written [Partitions][]*Record

// add takes a batch that was acknowledged; its offsets have to follow those before.
func (w *written) add(batch []*Record) error {
	for _, record := range batch {
		log := &w[record.Partition]
		if record.Offset != int64(len(*log)) {
			return fmt.Errorf("acknowledged at %s, not offset %d", record.at(), len(*log))
		}
		*log = append(*log, record)
	}
	return nil
}

// ends are the offsets behind the last records.
func (w *written) ends() map[int32]int64 {
	ends := map[int32]int64{}
	for partition, log := range w {
		ends[int32(partition)] = int64(len(log))
	}
	return ends
}

func (w *written) count() int {
	count := 0
	for _, log := range w {
		count += len(log)
	}
	return count
}

// seen is what was read of a topic: each record compared, and counted once.
type seen struct {
	written *written
	same    sameBytes
	once    map[[2]int64]bool
}

func (w *written) unseen(same sameBytes) *seen { return &seen{w, same, map[[2]int64]bool{}} }

// take compares what was read.
func (s *seen) take(records []Record) error {
	for _, record := range records {
		log := s.written[record.Partition]
		if record.Offset >= int64(len(log)) {
			return fmt.Errorf("read at %s, where nothing was written", record.at())
		}
		if what := record.differsIn(log[record.Offset], s.same); what != "" {
			return fmt.Errorf("read at %s: %s", record.at(), what)
		}
		s.once[[2]int64{int64(record.Partition), record.Offset}] = true
	}
	return nil
}

// missing is how many records were not read yet.
func (s *seen) missing() int {
	return s.written.count() - len(s.once)
}
