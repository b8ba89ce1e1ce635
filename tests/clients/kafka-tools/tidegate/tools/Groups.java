package tidegate.tools;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Members of consumer groups that live while tools look at them. */
final class Groups {
    private static final long DEADLINE_S = 30;

    /** One member and the thread that polls for it. */
    private record Member(KafkaConsumer<byte[], byte[]> consumer, Thread thread) {}

    private final Server server;
    private final Map<String, Member> members = new HashMap<>();

    Groups(Server server) {
        this.server = server;
    }

    /** Lets a member, named by its client id, join a group, and waits until it has partitions; false if it gets none. */
    boolean join(String group, String topic, String clientId) throws Exception {
        Properties settings = server.settings();
        settings.put("group.id", group);
        settings.put("client.id", clientId);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        KafkaConsumer<byte[], byte[]> consumer =
            new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(topic));
        CountDownLatch assigned = new CountDownLatch(1);
        Thread thread = new Thread(() -> poll(consumer, assigned), clientId);
        thread.start();
        members.put(clientId, new Member(consumer, thread));
        return assigned.await(DEADLINE_S, TimeUnit.SECONDS);
    }

    private static void poll(KafkaConsumer<byte[], byte[]> consumer, CountDownLatch assigned) {
        try {
            while (true) {
                consumer.poll(Duration.ofMillis(100));
                if (!consumer.assignment().isEmpty()) {
                    assigned.countDown();
                }
            }
        } catch (WakeupException left) {
            consumer.close();
        } catch (KafkaException refused) {
            refused.printStackTrace();
            consumer.close();
        }
    }

    /** Lets a member leave its group, and waits until it has. */
    void leave(String clientId) throws Exception {
        Member member = members.remove(clientId);
        member.consumer().wakeup();
        member.thread().join();
    }
}
