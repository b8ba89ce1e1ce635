package tidegate.clients;

import static tidegate.clients.Expect.await;
import static tidegate.clients.Expect.expect;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** The step that reads without a group: by assignment, from any offset, and by time. */
final class Reading {
    private final Cluster cluster;
    private final Records records;

    Reading(Cluster cluster, Records records) {
        this.cluster = cluster;
        this.records = records;
    }

    /** Everything comes back from the start and from within a batch, and the partitions hold nothing else. */
    void read() throws Exception {
        try (Consumer<byte[], byte[]> consumer = cluster.consumer(Cluster.User.OWNER, Map.of())) {
            for (TopicPartition partition : records.partitions) {
                readFrom(consumer, partition, 0);
                readFrom(consumer, partition, records.of(partition).size() / 2 + 5);
                checkEnds(consumer, partition);
                checkTimestamps(consumer, partition);
            }
        }
    }

    /** Reads the partition's records, and compares each. */
    void readFrom(Consumer<byte[], byte[]> consumer, TopicPartition partition, int offset) throws Exception {
        int end = records.of(partition).size();
        consumer.assign(List.of(partition));
        consumer.seek(partition, offset);
        int[] next = {offset};
        await(() -> {
            for (ConsumerRecord<byte[], byte[]> read : consumer.poll(Duration.ofSeconds(1))) {
                if (next[0] < end) {
                    expect(read.offset() == next[0]++, "offset " + read.offset() + " came out of order");
                    records.check(read);
                }
            }
            return next[0] == end;
        }, partition + " was not read to its end");
    }

    private void checkEnds(Consumer<byte[], byte[]> consumer, TopicPartition partition) {
        long low = consumer.beginningOffsets(List.of(partition)).get(partition);
        long high = consumer.endOffsets(List.of(partition)).get(partition);
        expect(low == 0 && high == records.of(partition).size(), partition + " spans " + low + ".." + high);
    }

    /** ListOffsets by timestamp: exact, between two records, and behind the last one. */
    private void checkTimestamps(Consumer<byte[], byte[]> consumer, TopicPartition partition) {
        List<ProducerRecord<byte[], byte[]>> written = records.of(partition);
        int middle = written.size() / 2;
        int last = written.size() - 1;
        checkTimestamp(consumer, partition, 0, 0);
        checkTimestamp(consumer, partition, written.get(middle).timestamp(), middle);
        checkTimestamp(consumer, partition, written.get(middle).timestamp() + 1, middle + 1);
        checkTimestamp(consumer, partition, written.get(last).timestamp(), last);
        checkTimestamp(consumer, partition, written.get(last).timestamp() + 1, null);
    }

    private void checkTimestamp(Consumer<byte[], byte[]> consumer, TopicPartition partition, long time, Integer want) {
        OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, time)).get(partition);
        Integer offset = found == null ? null : (int) found.offset();
        expect(Objects.equals(offset, want), "offset for time " + time + ": " + offset + ", not " + want);
        expect(found == null || found.timestamp() == records.of(partition).get(want).timestamp(),
            "offset for time " + time + " came with another record's time");
    }
}
