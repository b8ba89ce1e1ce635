package tidegate.clients;

import static tidegate.clients.Flow.RECORD_BYTES;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The Java twin of quota/quota.py, which says what is offered and counted; the result is the same JSON.
 *
 * <p>usage: Quota READY_FILE ingress|egress SECONDS RESULT.json
 */
public final class Quota {
    private static final int BATCH_BYTES_MAX = 256 * 1024;
    private static final long HOT_BYTES_PER_S = 20_000_000;
    private static final long SIBLING_BYTES_PER_S = 2_000_000;
    private static final long HOT_WAITING_BYTES_MAX = 32_000_000;
    private static final long EGRESS_HOT_BYTES_PER_S = 14_000_000;
    private static final byte[] VALUE = new byte[RECORD_BYTES];

    private final Cluster cluster;
    private final String topic = "quota-" + UUID.randomUUID();
    private final int seconds;
    private final Queue<String> errors = new ConcurrentLinkedQueue<>();
    private volatile boolean over;
    private double throttleMs;
    private Flow hot;
    private Flow sibling;

    private Quota(Cluster cluster, int seconds) {
        this.cluster = cluster;
        this.seconds = seconds;
    }

    public static void main(String[] args) throws Exception {
        Quota quota = new Quota(new Cluster(args[0]), Integer.parseInt(args[2]));
        try {
            quota.run(args[1], new File(args[3]));
        } catch (Expect.Failed failure) {
            System.err.println("FAILED: " + failure.getMessage());
            System.exit(1);
        }
        System.out.println("ok");
        System.exit(0);
    }

    private void run(String mode, File result) throws Exception {
        try (Admin admin = Admin.create(cluster.settings())) {
            Topics.create(admin, topic, 12);
            List<Integer> partitions = Topics.partitionsOfOneLeader(admin, topic, 2);
            if (mode.equals("ingress")) {
                ingress(partitions);
            } else {
                fill(partitions.get(0));
                egress(partitions);
            }
            Topics.delete(admin, topic);
        }
        write(mode, result);
    }

    private void write(String mode, File result) throws Exception {
        ObjectMapper json = new ObjectMapper();
        ObjectNode found = json.createObjectNode()
            .put("client", "kafka-clients " + AppInfoParser.getVersion()).put("mode", mode)
            .put("seconds", seconds).put("throttle_ms_max", throttleMs);
        found.set("hot", hot.report(json));
        found.set("sibling", sibling.report(json).put("offered_bytes_per_s", SIBLING_BYTES_PER_S));
        found.putPOJO("errors", errors);
        json.writeValue(result, found);
    }

    private Producer<byte[], byte[]> producer() {
        Properties settings = cluster.settings();
        settings.put("batch.size", BATCH_BYTES_MAX);
        settings.put("linger.ms", 5);
        settings.put("buffer.memory", 128 * 1024 * 1024);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private void start(List<Integer> partitions) {
        long now = System.nanoTime();
        hot = new Flow(now, partitions.get(0));
        sibling = new Flow(now, partitions.get(1));
    }

    private void send(Producer<byte[], byte[]> producer, Flow flow) {
        flow.send();
        long sent = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, flow.partition, null, VALUE), (metadata, error) -> {
            if (error == null) {
                flow.done((System.nanoTime() - sent) / 1e6);
            } else if (!over) {
                errors.add(error.toString());
            }
        });
    }

    /** Offers both flows from one producer; bytes count when they are acknowledged. */
    private void ingress(List<Integer> partitions) throws Exception {
        Producer<byte[], byte[]> producer = producer();
        producer.partitionsFor(topic);
        start(partitions);
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        while (System.nanoTime() < end) {
            while (sibling.due(SIBLING_BYTES_PER_S)) {
                sibling.offer();
                send(producer, sibling);
            }
            while (hot.due(HOT_BYTES_PER_S)) {
                hot.offer();
                if (hot.waiting() < HOT_WAITING_BYTES_MAX) {
                    send(producer, hot);
                }
            }
            Thread.sleep(1);
        }
        over = true;
        throttleMs = ClientMetrics.max(producer.metrics(), "produce-throttle-time-max");
        producer.close(Duration.ZERO);
    }

    private void fill(int partition) throws Exception {
        try (Producer<byte[], byte[]> producer = producer()) {
            for (long sent = 0; sent < (seconds + 2) * EGRESS_HOT_BYTES_PER_S; sent += RECORD_BYTES) {
                producer.send(new ProducerRecord<>(topic, partition, null, VALUE), (metadata, error) -> {
                    if (error != null) {
                        errors.add("filling: " + error);
                    }
                });
            }
        }
        Expect.expect(errors.isEmpty(), "client errors, the first: " + errors.peek());
    }

    /** Reads both partitions by one consumer; bytes count when the application has them. */
    private void egress(List<Integer> partitions) throws Exception {
        Properties settings = cluster.settings();
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "none");
        settings.put("max.partition.fetch.bytes", BATCH_BYTES_MAX);
        Thread writer = new Thread(this::writeSibling);
        try (Consumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> both = partitions.stream().map(p -> new TopicPartition(topic, p)).toList();
            consumer.assign(both);
            both.forEach(partition -> consumer.seek(partition, 0));
            start(partitions);
            writer.start();
            long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
            while (System.nanoTime() < end) {
                for (ConsumerRecord<byte[], byte[]> read : consumer.poll(Duration.ofMillis(20))) {
                    Flow flow = read.partition() == hot.partition ? hot : sibling;
                    flow.done(System.currentTimeMillis() - read.timestamp());
                }
            }
            throttleMs = ClientMetrics.max(consumer.metrics(), "fetch-throttle-time-max");
        }
        over = true;
        writer.join();
    }

    /** Writes the sibling's offer until the measurement is over. */
    private void writeSibling() {
        Flow written = new Flow(System.nanoTime(), sibling.partition);
        try (Producer<byte[], byte[]> producer = producer()) {
            while (!over) {
                while (written.due(SIBLING_BYTES_PER_S)) {
                    written.offer();
                    send(producer, written);
                }
                Thread.sleep(1);
            }
        } catch (InterruptedException interrupted) {
            errors.add(interrupted.toString());
        }
    }
}
