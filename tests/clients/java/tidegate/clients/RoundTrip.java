package tidegate.clients;

import static tidegate.clients.Cluster.DEADLINE;
import static tidegate.clients.Cluster.expect;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Proves that the Java client, unmodified, does its whole round against the server.
 *
 * <p>It creates a topic, produces with every compression with and without idempotence, consumes by
 * assignment and compares everything, asks for offsets by timestamp, reads from within a batch, reads
 * as a group of two members that commit, deletes group and topic, and is refused with an
 * authentication error when its secret is wrong.
 *
 * <p>usage: RoundTrip READY_FILE
 */
public final class RoundTrip {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int BATCH_RECORDS = 40;
    private static final int STEP_MS = 10;
    private static final int PARTITION = 1;

    private final Cluster cluster;
    private final TopicPartition partition;
    private final List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();

    private RoundTrip(Cluster cluster) {
        this.cluster = cluster;
        this.partition = new TopicPartition("java-" + UUID.randomUUID(), PARTITION);
    }

    public static void main(String[] args) throws Exception {
        RoundTrip round = new RoundTrip(new Cluster(args[0]));
        try {
            round.run();
        } catch (Cluster.Failed | ExecutionException failure) {
            System.err.println("FAILED: " + failure.getMessage());
            System.exit(1);
        }
        System.out.println("ok");
        System.exit(0);
    }

    private void run() throws Exception {
        try (Admin admin = Admin.create(cluster.settings()); Consumer<byte[], byte[]> consumer = consumer()) {
            Cluster.createTopic(admin, partition.topic(), 3);
            produceAll();
            readFrom(consumer, 0);
            checkEnds(consumer);
            checkTimestamps(consumer);
            readFrom(consumer, BATCH_RECORDS * 5 + BATCH_RECORDS / 2);
            checkGroup(admin);
            Cluster.deleteTopic(admin, partition.topic());
        }
        checkRefusal();
        System.out.printf("kafka-clients %s, %s, %s: %d records compared%n",
            AppInfoParser.getVersion(), cluster.signIn, cluster.bootstrap(), records.size());
    }

    private Consumer<byte[], byte[]> consumer() {
        Properties settings = cluster.settings();
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "none");
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private void produceAll() throws Exception {
        long firstMs = System.currentTimeMillis() - 3_600_000;
        for (String codec : CODECS) {
            for (boolean idempotent : new boolean[] {false, true}) {
                int base = records.size();
                for (int i = 0; i < BATCH_RECORDS; i++) {
                    records.add(record(base + i, codec, idempotent, firstMs));
                }
                produceBatch(codec, idempotent, records.subList(base, records.size()), base);
            }
        }
    }

    private ProducerRecord<byte[], byte[]> record(int offset, String codec, boolean idempotent, long firstMs) {
        byte[] key = offset % 4 == 0 ? null : ("key-" + offset).getBytes();
        byte[] value = offset % 7 == 3 ? null : (codec + " " + idempotent + " " + offset + " ").repeat(20).getBytes();
        List<Header> headers = List.of(new RecordHeader("codec", codec.getBytes()),
            new RecordHeader("empty", new byte[0]), new RecordHeader("null", (byte[]) null));
        long timestamp = firstMs + (long) offset * STEP_MS;
        return new ProducerRecord<>(partition.topic(), PARTITION, timestamp, key, value, headers);
    }

    private void produceBatch(String codec, boolean idempotent, List<ProducerRecord<byte[], byte[]>> batch, int base)
            throws Exception {
        Properties settings = cluster.settings();
        settings.put("compression.type", codec);
        settings.put("enable.idempotence", Boolean.toString(idempotent));
        settings.put("linger.ms", "200");
        try (Producer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> acknowledged = batch.stream().map(producer::send).toList();
            for (int i = 0; i < acknowledged.size(); i++) {
                long offset = acknowledged.get(i).get(DEADLINE.toSeconds(), TimeUnit.SECONDS).offset();
                expect(offset == base + i, codec + ": record " + (base + i) + " was acknowledged at " + offset);
            }
        }
    }

    private void readFrom(Consumer<byte[], byte[]> consumer, int offset) {
        consumer.assign(List.of(partition));
        consumer.seek(partition, offset);
        int next = offset;
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (next < records.size()) {
            expect(System.nanoTime() < deadline, "offset " + next + " did not come in time");
            for (ConsumerRecord<byte[], byte[]> read : consumer.poll(Duration.ofSeconds(1))) {
                expect(next < records.size(), "a record came after the end of the partition");
                compare(read, next++);
            }
        }
    }

    private void compare(ConsumerRecord<byte[], byte[]> read, int offset) {
        ProducerRecord<byte[], byte[]> written = records.get(offset);
        String at = "offset " + offset + ": ";
        expect(read.offset() == offset, at + "read offset " + read.offset());
        expect(Arrays.equals(read.key(), written.key()), at + "the key differs");
        expect(Arrays.equals(read.value(), written.value()), at + "the value differs");
        expect(List.of(read.headers().toArray()).equals(List.of(written.headers().toArray())),
            at + "the headers differ: " + read.headers());
        expect(read.timestampType() == TimestampType.CREATE_TIME && read.timestamp() == written.timestamp(),
            at + "timestamp " + read.timestamp() + ", not " + written.timestamp());
    }

    private void checkEnds(Consumer<byte[], byte[]> consumer) {
        long low = consumer.beginningOffsets(List.of(partition)).get(partition);
        long high = consumer.endOffsets(List.of(partition)).get(partition);
        expect(low == 0 && high == records.size(), "the partition spans " + low + ".." + high);
    }

    /** ListOffsets by timestamp: exact, between two records, and behind the last one. */
    private void checkTimestamps(Consumer<byte[], byte[]> consumer) {
        int middle = BATCH_RECORDS * 3 + BATCH_RECORDS / 2;
        int last = records.size() - 1;
        checkTimestamp(consumer, 0, 0);
        checkTimestamp(consumer, records.get(middle).timestamp(), middle);
        checkTimestamp(consumer, records.get(middle).timestamp() + 1, middle + 1);
        checkTimestamp(consumer, records.get(last).timestamp(), last);
        checkTimestamp(consumer, records.get(last).timestamp() + 1, null);
    }

    private void checkTimestamp(Consumer<byte[], byte[]> consumer, long timestamp, Integer wanted) {
        OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, timestamp)).get(partition);
        Long offset = found == null ? null : found.offset();
        expect(Objects.equals(offset, wanted == null ? null : wanted.longValue()),
            "offset for time " + timestamp + ": " + offset + ", not " + wanted);
        expect(found == null || found.timestamp() == records.get(wanted).timestamp(),
            "offset for time " + timestamp + " came with another record's time");
    }

    /** Two members share the topic, read all of it and commit; one that comes later finds what they committed. */
    private void checkGroup(Admin admin) throws Exception {
        String group = partition.topic() + "-group";
        try (Consumer<byte[], byte[]> one = member(group); Consumer<byte[], byte[]> other = member(group)) {
            List<Consumer<byte[], byte[]>> members = List.of(one, other);
            long deadline = System.nanoTime() + DEADLINE.toNanos();
            while (members.stream().anyMatch(member -> member.assignment().isEmpty())
                || members.stream().noneMatch(this::isAtEnd)) {
                expect(System.nanoTime() < deadline, "two members did not read the topic in time");
                for (Consumer<byte[], byte[]> member : members) {
                    member.poll(Duration.ofMillis(100)).forEach(read -> compare(read, (int) read.offset()));
                }
            }
            int shared = one.assignment().size() + other.assignment().size();
            expect(shared == 3, "two members share " + shared + " partitions of 3");
            Consumer<byte[], byte[]> reader = isAtEnd(one) ? one : other;
            reader.commitSync(Map.of(partition, new OffsetAndMetadata(records.size(), "all of it")));
            var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            expect(described.members().size() == 2, "the group is " + described);
        }
        try (Consumer<byte[], byte[]> later = member(group)) {
            OffsetAndMetadata found = later.committed(Set.of(partition)).get(partition);
            expect(found != null && found.offset() == records.size() && found.metadata().equals("all of it"),
                "committed is " + found);
        }
        admin.deleteConsumerGroups(List.of(group)).all().get();
    }

    private Consumer<byte[], byte[]> member(String group) {
        Properties settings = cluster.settings();
        settings.put("group.id", group);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        Consumer<byte[], byte[]> member =
            new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        member.subscribe(List.of(partition.topic()));
        return member;
    }

    private boolean isAtEnd(Consumer<byte[], byte[]> member) {
        return member.assignment().contains(partition) && member.position(partition) == records.size();
    }

    /** A wrong secret ends in an authentication error, not in a timeout. */
    private void checkRefusal() throws Exception {
        try (Admin admin = Admin.create(cluster.settings(true))) {
            admin.describeCluster().nodes().get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
            expect(false, "metadata was answered in spite of a wrong secret");
        } catch (ExecutionException refused) {
            expect(refused.getCause() instanceof SaslAuthenticationException,
                "a wrong secret got " + refused.getCause());
        }
    }
}
