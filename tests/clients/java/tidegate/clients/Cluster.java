package tidegate.clients;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * How the Java client reaches the server under test: the ready file turned into client settings.
 *
 * <p>SIGN_IN chooses the mechanism: {@code iam} (default: AWS_MSK_IAM by aws-msk-iam-auth) or
 * {@code scram}. BOOTSTRAP, if set, replaces the ready file's address by one whose host name holds
 * the region, as Amazon's do; without it the region is told to the SDK.
 */
final class Cluster {
    static final Duration DEADLINE = Duration.ofSeconds(30);

    private final JsonNode ready;
    final String signIn = Optional.ofNullable(System.getenv("SIGN_IN")).orElse("iam");

    Cluster(String readyFile) throws IOException {
        ready = new ObjectMapper().readTree(new File(readyFile));
    }

    String bootstrap() {
        return Optional.ofNullable(System.getenv("BOOTSTRAP")).orElse(fact("bootstrap"));
    }

    /** Settings of a client that signs in with the right secret. */
    Properties settings() {
        return settings(false);
    }

    /** Settings of a client; the credentials go the SDK's own way, by system properties. */
    Properties settings(boolean wrongSecret) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap());
        settings.put("security.protocol", "SASL_SSL");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", fact("ca_file"));
        if (signIn.equals("scram")) {
            scram(settings, wrongSecret);
        } else {
            iam(settings, wrongSecret);
        }
        return settings;
    }

    private void scram(Properties settings, boolean wrongSecret) {
        String password = (wrongSecret ? "not " : "") + fact("scram_password");
        settings.put("sasl.mechanism", "SCRAM-SHA-512");
        settings.put("sasl.jaas.config", String.format(
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";",
            fact("scram_username"), password));
    }

    private void iam(Properties settings, boolean wrongSecret) {
        System.setProperty("aws.accessKeyId", fact("access_key_id"));
        System.setProperty("aws.secretAccessKey", (wrongSecret ? "not " : "") + fact("secret_access_key"));
        if (System.getenv("BOOTSTRAP") == null) {
            System.setProperty("aws.region", fact("region"));
        }
        settings.put("sasl.mechanism", "AWS_MSK_IAM");
        settings.put("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule required;");
        settings.put("sasl.client.callback.handler.class",
            "software.amazon.msk.auth.iam.IAMClientCallbackHandler");
    }

    private String fact(String key) {
        return ready.required(key).asText();
    }

    /** Creates a topic and waits until every partition of it has a leader. */
    static void createTopic(Admin admin, String topic, int partitions) throws Exception {
        NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty());
        admin.createTopics(List.of(wanted)).all().get();
        awaitTrue(() -> partitions(admin, topic).stream().filter(p -> p.leader() != null).count() == partitions,
            "topic " + topic + " has no " + partitions + " partitions with a leader");
    }

    /** Deletes a topic and waits until the server no longer knows it. */
    static void deleteTopic(Admin admin, String topic) throws Exception {
        admin.deleteTopics(Set.of(topic)).all().get();
        awaitTrue(() -> partitions(admin, topic).isEmpty(),
            "topic " + topic + " is still known after its deletion");
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
        throw new Failed("no " + count + " partitions of " + topic + " have the same leader");
    }

    /** Asks until the condition holds; at the deadline the run fails with the sentence. */
    static void awaitTrue(BooleanSupplier condition, String sentence) throws InterruptedException {
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            expect(System.nanoTime() < deadline, sentence + " (waited " + DEADLINE.toSeconds() + " s)");
            Thread.sleep(100);
        }
    }

    /** Fails the run with {@code sentence} unless {@code holds}. */
    static void expect(boolean holds, String sentence) {
        if (!holds) {
            throw new Failed(sentence);
        }
    }

    /** An expectation that did not hold, told in one sentence. */
    @SuppressWarnings("serial")
    static final class Failed extends RuntimeException {
        Failed(String sentence) {
            super(sentence);
        }
    }
}
