package tidegate.clients;

import static tidegate.clients.Expect.await;
import static tidegate.clients.Expect.expect;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** The steps of a group of two members, by the classic protocol. */
final class Sharing implements AutoCloseable {
    private final Cluster cluster;
    private final Records records;
    private final String group;
    private final List<Consumer<byte[], byte[]>> members;

    Sharing(Cluster cluster, Records records) {
        this.cluster = cluster;
        this.records = records;
        group = records.topic + "-group";
        members = List.of(member(), member());
    }

    private Consumer<byte[], byte[]> member() {
        Consumer<byte[], byte[]> member = cluster.consumer(Cluster.User.OWNER,
            Map.of("group.id", group, "auto.offset.reset", "earliest"));
        member.subscribe(List.of(records.topic));
        return member;
    }

    /** Both members get partitions, together all, and read everything. */
    void read(Admin admin) throws Exception {
        Set<Map.Entry<Integer, Long>> seen = new HashSet<>();
        await(() -> {
            for (Consumer<byte[], byte[]> member : members) {
                member.poll(Duration.ofMillis(100)).forEach(read -> {
                    records.check(read);
                    seen.add(Map.entry(read.partition(), read.offset()));
                });
            }
            return members.stream().allMatch(this::isAtEnd);
        }, "two members did not share the topic and read it to its end");
        expect(seen.size() == records.size(), "the members read " + seen.size() + " of " + records.size() + " records");
        Set<TopicPartition> shared = new HashSet<>();
        members.forEach(member -> member.assignment().forEach(partition ->
            expect(shared.add(partition), "both members are assigned " + partition)));
        expect(shared.size() == Records.PARTITIONS, "the members share only " + shared);
        var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        expect(described.members().size() == members.size(), "the group is " + described);
    }

    private boolean isAtEnd(Consumer<byte[], byte[]> member) {
        return !member.assignment().isEmpty() && member.assignment().stream()
            .allMatch(partition -> member.position(partition) == records.of(partition).size());
    }

    /** Each member commits what it read, and leaves; one that comes later finds all of it. */
    void commit() {
        Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
        for (Consumer<byte[], byte[]> member : members) {
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            member.assignment().forEach(partition -> offsets.put(partition,
                new OffsetAndMetadata(member.position(partition), "all of " + partition)));
            member.commitSync(offsets);
            committed.putAll(offsets);
        }
        close();
        try (Consumer<byte[], byte[]> later = member()) {
            var found = later.committed(Set.copyOf(records.partitions));
            expect(found.equals(committed), "committed is " + found + ", not " + committed);
        }
    }

    void delete(Admin admin) throws Exception {
        admin.deleteConsumerGroups(List.of(group)).all().get();
    }

    @Override
    public void close() {
        members.forEach(Consumer::close);
    }
}
