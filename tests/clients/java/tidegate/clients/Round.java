package tidegate.clients;

import static tidegate.clients.Expect.await;
import static tidegate.clients.Expect.expect;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The round of docs/clients.md. It and what it uses are compiled with every version of the client, and
 * so call only what all have: deletions and creations are seen by {@code listTopics}, since the future
 * of {@code describeTopics} was renamed after 2.8.
 *
 * <p>usage: Round READY_FILE
 */
public final class Round {
    private static final int LIMIT_S = 120;

    private final Cluster cluster;
    private final Records records = new Records("java-" + UUID.randomUUID());
    private final List<String> checked = new ArrayList<>();

    private Round(Cluster cluster) {
        this.cluster = cluster;
    }

    public static void main(String[] args) throws Exception {
        Round round = new Round(new Cluster(args[0]));
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            System.out.println(thread.submit(round::run).get(LIMIT_S, TimeUnit.SECONDS));
            System.exit(0);
        } catch (ExecutionException failure) {
            fail(failure.getCause().toString());
        } catch (TimeoutException late) {
            fail("not done in " + LIMIT_S + " s, only " + round.checked);
        }
    }

    private static void fail(String sentence) {
        System.out.println("FAILED: " + sentence);
        System.exit(1);
    }

    /** Takes all steps, and gives back the line that says so. */
    private String run() throws Exception {
        Writing writing = new Writing(cluster, records);
        Refusals refusals = new Refusals(cluster, records);
        try (Admin admin = Admin.create(cluster.settings()); Sharing sharing = new Sharing(cluster, records)) {
            step("create", () -> create(admin));
            step("produce(" + String.join(" ", Writing.CODECS) + " idempotent)", writing::produce);
            step("read", new Reading(cluster, records)::read);
            step("group", () -> sharing.read(admin));
            step("commit", sharing::commit);
            step("throttle(seen)", writing::throttle);
            step("refused", refusals::refused);
            step("wrong-secret", refusals::wrongSecret);
            step("re-authenticated(live)", new Renewal(cluster, records)::renewed);
            sharing.delete(admin);
            delete(admin);
        }
        return String.format("checked: kafka-clients %s, %s: %s",
            AppInfoParser.getVersion(), cluster.signIn(), String.join(" ", checked));
    }

    private interface Step {
        void take() throws Exception;
    }

    private void step(String word, Step step) throws Exception {
        try {
            step.take();
        } catch (Exception failure) {
            throw new Expect.Failed(word + ": " + failure);
        }
        checked.add(word);
    }

    private void create(Admin admin) throws Exception {
        NewTopic wanted = new NewTopic(records.topic, Optional.of(Records.PARTITIONS), Optional.empty());
        int partitions = admin.createTopics(List.of(wanted)).numPartitions(records.topic).get();
        expect(partitions == Records.PARTITIONS, "the topic has " + partitions + " partitions");
        await(() -> isListed(admin), "the topic is not listed after its creation");
    }

    private void delete(Admin admin) throws Exception {
        admin.deleteTopics(Set.of(records.topic)).all().get();
        await(() -> !isListed(admin), "the topic is still listed after its deletion");
    }

    private boolean isListed(Admin admin) {
        try {
            return admin.listTopics().names().get().contains(records.topic);
        } catch (ExecutionException | InterruptedException failure) {
            throw new Expect.Failed("listing topics got " + failure);
        }
    }
}
