package tidegate.clients;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Several members of one group in one process, each with a thread and a consumer of its own: they
 * read, commit what they read, and tell all of it in the form of {@code churn/events.py}.
 *
 * <p>usage: Members READY_FILE NAME TOPIC GROUP SESSION_MS COUNT; SIGTERM lets all of them leave.
 */
public final class Members implements Runnable, ConsumerRebalanceListener {
    private static final Duration POLL = Duration.ofMillis(200);

    private final String name;
    private final String topic;
    private final Consumer<byte[], byte[]> consumer;
    /** What was read and is not committed yet. */
    private final Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    private volatile boolean stopping;

    private Members(String name, String topic, Properties settings) {
        this.name = name;
        this.topic = topic;
        this.consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    public static void main(String[] args) throws Exception {
        Cluster cluster = new Cluster(args[0]);
        List<Thread> threads = new ArrayList<>();
        List<Members> members = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(args[5]); i++) {
            String name = args[1] + "-" + i;
            Members member = new Members(name, args[2], settings(cluster, name, args[3], args[4]));
            members.add(member);
            threads.add(new Thread(member, name));
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            members.forEach(member -> member.stopping = true);
            threads.forEach(Members::join);
        }));
        threads.forEach(Thread::start);
        threads.forEach(Members::join);
    }

    private static Properties settings(Cluster cluster, String name, String group, String sessionMs) {
        Properties settings = cluster.settings();
        settings.put("group.id", group);
        settings.put("client.id", name);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        settings.put("session.timeout.ms", sessionMs);
        settings.put("heartbeat.interval.ms", "1000");
        settings.put("max.poll.records", "200");
        return settings;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        consumer.subscribe(List.of(topic), this);
        try {
            while (!stopping) {
                tellRead(consumer.poll(POLL));
                commit();
            }
        } catch (WakeupException stopped) {
            // The process ends.
        } finally {
            consumer.close(CloseOptions.timeout(Duration.ofSeconds(5)));
        }
    }

    private void tellRead(ConsumerRecords<byte[], byte[]> polled) {
        for (TopicPartition partition : polled.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> records = polled.records(partition);
            long last = records.get(records.size() - 1).offset();
            tell("read", "\"p\": %d, \"first\": %d, \"last\": %d"
                .formatted(partition.partition(), records.get(0).offset(), last));
            positions.put(partition, new OffsetAndMetadata(last + 1));
        }
    }

    private void commit() {
        if (positions.isEmpty()) {
            return;
        }
        try {
            consumer.commitSync(positions);
        } catch (KafkaException refused) {
            // A rebalance or a restart: tried again while the partitions are owned, else read again by the next owner.
            tell("refused", "\"why\": \"" + refused.getClass().getSimpleName() + "\"");
            return;
        }
        String offsets = positions.entrySet().stream()
            .map(entry -> "\"%d\": %d".formatted(entry.getKey().partition(), entry.getValue().offset()))
            .collect(Collectors.joining(", "));
        positions.clear();
        tell("committed", "\"p\": {" + offsets + "}");
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        partitions.forEach(positions::remove);
        tell("revoked", "\"p\": " + numbers(partitions));
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        tell("assigned", "\"p\": " + numbers(partitions));
    }

    private static String numbers(Collection<TopicPartition> partitions) {
        return partitions.stream().map(partition -> Integer.toString(partition.partition()))
            .collect(Collectors.joining(", ", "[", "]"));
    }

    private void tell(String kind, String more) {
        double now = System.currentTimeMillis() / 1000.0;
        synchronized (System.out) {
            System.out.printf("{\"t\": %.3f, \"m\": \"%s\", \"e\": \"%s\", %s}%n", now, name, kind, more);
            System.out.flush();
        }
    }
}
