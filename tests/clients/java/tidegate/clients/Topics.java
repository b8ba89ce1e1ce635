package tidegate.clients;

import static tidegate.clients.Expect.await;
import static tidegate.clients.Expect.expect;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Topics of the programs that run with the newest client only. */
final class Topics {
    private Topics() {}

    /** Creates a topic and waits until every partition of it has a leader. */
    static void create(Admin admin, String topic, int partitions) throws Exception {
        NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty());
        admin.createTopics(List.of(wanted)).all().get();
        await(() -> partitions(admin, topic).stream().filter(p -> p.leader() != null).count() == partitions,
            "topic " + topic + " has no " + partitions + " partitions with a leader");
    }

    /** Deletes a topic and waits until the server no longer knows it. */
    static void delete(Admin admin, String topic) throws Exception {
        admin.deleteTopics(Set.of(topic)).all().get();
        await(() -> partitions(admin, topic).isEmpty(), "topic " + topic + " is still known after its deletion");
    }

    /** The topic's partitions; none if the server does not know it. */
    private static List<TopicPartitionInfo> partitions(Admin admin, String topic) {
        try {
            return admin.describeTopics(Set.of(topic)).allTopicNames().get().get(topic).partitions();
        } catch (ExecutionException failure) {
            expect(failure.getCause() instanceof UnknownTopicOrPartitionException,
                "describing topic " + topic + " got " + failure.getCause());
            return List.of();
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    /** The first {@code count} partitions that share a leader, and so a client's connection. */
    static List<Integer> partitionsOfOneLeader(Admin admin, String topic, int count) {
        Map<Integer, List<Integer>> byLeader = new TreeMap<>();
        for (TopicPartitionInfo partition : partitions(admin, topic)) {
            List<Integer> found = byLeader.computeIfAbsent(partition.leader().id(), id -> new ArrayList<>());
            found.add(partition.partition());
            if (found.size() == count) {
                return found;
            }
        }
        throw new Expect.Failed("no " + count + " partitions of " + topic + " have the same leader");
    }
}
