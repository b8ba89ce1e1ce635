package tidegate.clients;

import static tidegate.clients.Expect.DEADLINE;
import static tidegate.clients.Expect.expect;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** The steps that write. */
final class Writing {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int BATCH_RECORDS = 40;
    private static final int LARGE_RECORDS = 120;
    private static final int LARGE_BYTES = 100_000;

    private final Cluster cluster;
    private final Records records;

    Writing(Cluster cluster, Records records) {
        this.cluster = cluster;
        this.records = records;
    }

    /** A batch to each partition for each compression, with and without idempotence (the default from 3.0). */
    void produce() throws Exception {
        for (String codec : CODECS) {
            for (String idempotent : List.of("false", "true")) {
                var settings = Map.of("compression.type", codec, "enable.idempotence", idempotent, "linger.ms", "200");
                try (Producer<byte[], byte[]> producer = cluster.producer(Cluster.User.OWNER, settings)) {
                    produce(producer, codec);
                }
            }
        }
    }

    /** Sends a batch, and expects its records at the next offsets of their partitions. */
    private void produce(Producer<byte[], byte[]> producer, String codec) throws Exception {
        List<Long> wanted = new ArrayList<>();
        List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
        for (int i = 0; i < BATCH_RECORDS; i++) {
            ProducerRecord<byte[], byte[]> record = records.make(codec);
            wanted.add(records.of(records.partitions.get(record.partition())).size() - 1L);
            acknowledged.add(producer.send(record));
        }
        for (int i = 0; i < BATCH_RECORDS; i++) {
            long offset = acknowledged.get(i).get(DEADLINE.toSeconds(), TimeUnit.SECONDS).offset();
            expect(offset == wanted.get(i), codec + ": acknowledged at " + offset + ", not " + wanted.get(i));
        }
    }

    /** Writes 12 MB at once; all of it is acknowledged, and the client is told that it was throttled. */
    void throttle() throws Exception {
        Random random = new Random(1);
        try (Producer<byte[], byte[]> producer = cluster.producer(Cluster.User.OWNER, Map.of())) {
            List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
            for (int i = 0; i < LARGE_RECORDS; i++) {
                byte[] value = new byte[LARGE_BYTES];
                random.nextBytes(value);
                int partition = i % Records.PARTITIONS;
                acknowledged.add(producer.send(new ProducerRecord<>(records.topic, partition, null, value)));
            }
            for (Future<RecordMetadata> record : acknowledged) {
                record.get(2 * DEADLINE.toSeconds(), TimeUnit.SECONDS);
            }
            double throttleMs = ClientMetrics.max(producer.metrics(), "produce-throttle-time-max");
            expect(throttleMs > 0, "the client was not told of a throttle");
        }
    }
}
