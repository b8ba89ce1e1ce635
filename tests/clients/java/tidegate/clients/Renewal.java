package tidegate.clients;

import static tidegate.clients.Expect.DEADLINE;
import static tidegate.clients.Expect.await;
import static tidegate.clients.Expect.expect;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;

/** The step in which clients are used for longer than a session lasts (KIP-368). */
final class Renewal {
    private static final String RENEWED = "tidegate_gateway_sign_ins_renewed_total";
    private static final Duration USED = Duration.ofSeconds(25);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Cluster cluster;
    private final TopicPartition partition;

    Renewal(Cluster cluster, Records records) {
        this.cluster = cluster;
        partition = records.partitions.get(0);
    }

    /** A producer and a consumer work without a rest, and both sign in again on the connections they have. */
    void renewed() throws Exception {
        long renewedBefore = cluster.counter(RENEWED);
        try (Producer<byte[], byte[]> producer = cluster.producer(Cluster.User.OWNER, Map.of());
                Consumer<byte[], byte[]> consumer = cluster.consumer(Cluster.User.OWNER, Map.of())) {
            consumer.assign(List.of(partition));
            consumer.seekToEnd(List.of(partition));
            consumer.position(partition);
            long end = System.nanoTime() + USED.toNanos();
            while (System.nanoTime() < end) {
                writeAndRead(producer, consumer);
                Thread.sleep(PAUSE.toMillis());
            }
            checkRenewals(producer.metrics());
            checkRenewals(consumer.metrics());
        }
        long renewed = cluster.counter(RENEWED) - renewedBefore;
        expect(renewed >= 2, "the server counted " + renewed + " renewed sign-ins of two clients");
    }

    private void writeAndRead(Producer<byte[], byte[]> producer, Consumer<byte[], byte[]> consumer) throws Exception {
        long offset = producer.send(new ProducerRecord<>(partition.topic(), partition.partition(), null, new byte[1]))
            .get(DEADLINE.toSeconds(), TimeUnit.SECONDS).offset();
        await(() -> {
            consumer.poll(Duration.ofSeconds(1));
            return consumer.position(partition) > offset;
        }, "offset " + offset + " was not read");
    }

    /** What the client itself counted, since the server counts those of other clients, too. */
    private static void checkRenewals(Map<MetricName, ? extends Metric> metrics) {
        double renewals = ClientMetrics.max(metrics, "successful-reauthentication-total");
        double failures = ClientMetrics.max(metrics, "failed-reauthentication-total");
        expect(renewals > 0 && failures == 0,
            "a client counted " + renewals + " renewed sign-ins and " + failures + " failed ones");
    }
}
