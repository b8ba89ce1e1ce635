package tidegate.clients;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How the Java client reaches the server under test: the ready file turned into client settings.
 *
 * <p>SIGN_IN chooses the mechanism: {@code iam} (default: AWS_MSK_IAM by aws-msk-iam-auth), {@code
 * oauthbearer} (by the same library) or {@code scram}. BOOTSTRAP, if set, replaces the ready file's
 * address by one whose host name holds the region, as Amazon's do; without it the region is told to
 * the SDK.
 */
final class Cluster {
    /** As whom a client signs in. */
    enum User { OWNER, READER, WRONG_SECRET }

    private final JsonNode ready;
    private final String signIn = Optional.ofNullable(System.getenv("SIGN_IN")).orElse("iam");
    private final Optional<String> bootstrap = Optional.ofNullable(System.getenv("BOOTSTRAP"));

    Cluster(String readyFile) throws IOException {
        ready = new ObjectMapper().readTree(new File(readyFile));
        if (!signIn.equals("scram")) {
            writeProfiles();
        }
    }

    /** The credentials of every user there is as profiles of the SDK, from which a client takes one by name. */
    private void writeProfiles() throws IOException {
        StringBuilder profiles = new StringBuilder();
        for (User user : User.values()) {
            if (credentials(user).isMissingNode()) {
                continue;
            }
            profiles.append(String.format("[%s]%naws_access_key_id = %s%naws_secret_access_key = %s%n",
                user, fact(user, "access_key_id"), secret(user, "secret_access_key")));
        }
        Path file = Files.createTempFile("profiles", "");
        Files.writeString(file, profiles);
        System.setProperty("aws.sharedCredentialsFile", file.toString());
        if (bootstrap.isEmpty() || signIn.equals("oauthbearer")) {
            System.setProperty("aws.region", ready.required("region").asText());
        }
    }

    /** The sign-in as it is told to people: the mechanism, and the name if it is not the ready file's. */
    String signIn() {
        return settings().get("sasl.mechanism") + bootstrap.map(" at "::concat).orElse("");
    }

    /** Settings of a client that signs in as the owner. */
    Properties settings() {
        return settings(User.OWNER);
    }

    Properties settings(User user) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap.orElseGet(() -> ready.required("bootstrap").asText()));
        settings.put("security.protocol", "SASL_SSL");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", ready.required("ca_file").asText());
        settings.putAll(switch (signIn) {
            case "iam" -> Map.of(
                "sasl.mechanism", "AWS_MSK_IAM",
                "sasl.jaas.config",
                "software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName=\"" + user + "\";",
                "sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler");
            case "oauthbearer" -> Map.of(
                "sasl.mechanism", "OAUTHBEARER",
                "sasl.jaas.config",
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required awsProfileName=\""
                    + user + "\";",
                "sasl.login.callback.handler.class",
                "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler");
            case "scram" -> Map.of(
                "sasl.mechanism", "SCRAM-SHA-512",
                "sasl.jaas.config",
                String.format("org.apache.kafka.common.security.scram.ScramLoginModule required"
                    + " username=\"%s\" password=\"%s\";",
                    fact(user, "scram_username"), secret(user, "scram_password")));
            default -> throw new IllegalArgumentException("SIGN_IN is iam, oauthbearer or scram, not " + signIn);
        });
        return settings;
    }

    private JsonNode credentials(User user) {
        return user == User.READER ? ready.at("/users/reader") : ready;
    }

    private String fact(User user, String key) {
        return credentials(user).required(key).asText();
    }

    private String secret(User user, String key) {
        return (user == User.WRONG_SECRET ? "not-" : "") + fact(user, key);
    }

    /** A producer that waits for all replicas, which was not the default before 3.0. */
    Producer<byte[], byte[]> producer(User user, Map<String, String> more) {
        Properties settings = settings(user);
        settings.put("acks", "all");
        settings.putAll(more);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** A consumer that starts and commits only where it is told to. */
    Consumer<byte[], byte[]> consumer(User user, Map<String, String> more) {
        Properties settings = settings(user);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "none");
        settings.putAll(more);
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** What the server says it has counted under this name. */
    long counter(String name) throws IOException, InterruptedException {
        URI metrics = URI.create(ready.required("admin_url").asText() + "/metrics");
        String all = HttpClient.newHttpClient()
            .send(HttpRequest.newBuilder(metrics).build(), BodyHandlers.ofString()).body();
        return all.lines().filter(line -> line.startsWith(name + " "))
            .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1))).findFirst()
            .orElseThrow(() -> new Expect.Failed("the server does not count " + name));
    }
}
