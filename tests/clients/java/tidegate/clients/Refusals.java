package tidegate.clients;

import static tidegate.clients.Expect.DEADLINE;
import static tidegate.clients.Expect.expect;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;

/** The steps in which the server says no, and the client has to say it to its program. */
final class Refusals {
    private final Cluster cluster;
    private final Records records;

    Refusals(Cluster cluster, Records records) {
        this.cluster = cluster;
        this.records = records;
    }

    /** Who may only read reads everything, and is refused a produce by the topic's name. */
    void refused() throws Exception {
        Reading reading = new Reading(cluster, records);
        try (Consumer<byte[], byte[]> consumer = cluster.consumer(Cluster.User.READER, Map.of())) {
            for (TopicPartition partition : records.partitions) {
                reading.readFrom(consumer, partition, 0);
            }
        }
        AuthorizationException refused = refusal("false");
        expect(refused instanceof TopicAuthorizationException topic
            && topic.unauthorizedTopics().equals(Set.of(records.topic)), "a produce got " + refused);
        refusal("true"); // Before the topic is looked at, who may not write anywhere gets no producer id.
    }

    private AuthorizationException refusal(String idempotent) throws Exception {
        var settings = Map.of("enable.idempotence", idempotent);
        try (Producer<byte[], byte[]> producer = cluster.producer(Cluster.User.READER, settings)) {
            producer.send(new ProducerRecord<>(records.topic, new byte[1])).get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | KafkaException failure) { // The latter if the producer knew before the send.
            if (failure.getCause() instanceof AuthorizationException refused) {
                return refused;
            }
            throw failure;
        }
        throw new Expect.Failed("who may only read has produced");
    }

    /** A wrong secret ends in an authentication error, not in a timeout. */
    void wrongSecret() throws Exception {
        try (Admin admin = Admin.create(cluster.settings(Cluster.User.WRONG_SECRET))) {
            admin.describeCluster().nodes().get(DEADLINE.toSeconds(), TimeUnit.SECONDS);
            expect(false, "metadata was answered in spite of a wrong secret");
        } catch (ExecutionException failure) {
            expect(failure.getCause() instanceof SaslAuthenticationException,
                "a wrong secret got " + failure.getCause());
        }
    }
}
