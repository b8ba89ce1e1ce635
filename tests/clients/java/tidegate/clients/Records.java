package tidegate.clients;

import static tidegate.clients.Expect.expect;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;

/**
 * The records of a round, by partition and in the order of their offsets; and whether one that was
 * read is equal to the one that was written. Keys, values and headers are empty or null now and then.
 */
final class Records {
    static final int PARTITIONS = 3;
    private static final int STEP_MS = 10;

    final String topic;
    final List<TopicPartition> partitions;
    private final List<List<ProducerRecord<byte[], byte[]>>> written = new ArrayList<>();
    private final long firstMs = System.currentTimeMillis() - 3_600_000;
    private int size;

    Records(String topic) {
        this.topic = topic;
        partitions = IntStream.range(0, PARTITIONS).mapToObj(p -> new TopicPartition(topic, p)).toList();
        partitions.forEach(partition -> written.add(new ArrayList<>()));
    }

    /** Makes the next record, which will have the next offset of its partition. */
    ProducerRecord<byte[], byte[]> make(String codec) {
        int number = size++;
        byte[] key = variant(number % 4, "key-" + number);
        byte[] value = variant(number % 7, (codec + " " + number + " ").repeat(20));
        List<Header> headers = List.of(new RecordHeader("codec", codec.getBytes()),
            new RecordHeader("empty", new byte[0]), new RecordHeader("null", (byte[]) null));
        int partition = number % PARTITIONS;
        var made = new ProducerRecord<>(topic, partition, firstMs + (long) number * STEP_MS, key, value, headers);
        written.get(partition).add(made);
        return made;
    }

    private static byte[] variant(int which, String text) {
        return which == 0 ? null : which == 1 ? new byte[0] : text.getBytes();
    }

    int size() {
        return size;
    }

    /** The partition's records; a record's index is its offset. */
    List<ProducerRecord<byte[], byte[]>> of(TopicPartition partition) {
        return written.get(partition.partition());
    }

    /** Compares what was read with what was written at its offset. */
    void check(ConsumerRecord<byte[], byte[]> read) {
        String at = "partition " + read.partition() + ", offset " + read.offset() + ": ";
        List<ProducerRecord<byte[], byte[]>> expected = written.get(read.partition());
        expect(read.offset() < expected.size(), at + "a record came that was not written");
        ProducerRecord<byte[], byte[]> wanted = expected.get((int) read.offset());
        expect(Arrays.equals(read.key(), wanted.key()), at + "the key differs");
        expect(Arrays.equals(read.value(), wanted.value()), at + "the value differs");
        expect(List.of(read.headers().toArray()).equals(List.of(wanted.headers().toArray())),
            at + "the headers differ: " + read.headers());
        expect(read.timestampType() == TimestampType.CREATE_TIME && read.timestamp() == wanted.timestamp(),
            at + "timestamp " + read.timestamp() + ", not " + wanted.timestamp());
    }
}
