package tidegate.tools;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;

/** The server that the tools talk to, and what of their output is its own and not compared. */
record Server(String bootstrap, Path properties, String broker) {
    /** What differs from server to server or from run to run, and what is printed in its place. */
    private static final Map<Pattern, String> OWN = Map.ofEntries(
        own("TopicId: \\S{22}", "TopicId: <id>"),
        own("ReplicationFactor: \\d+", "ReplicationFactor: <n>"),
        // Replicas that may still lead (KIP-966) are told only by a Kafka of several nodes.
        own("Leader: \\d+\\s+Replicas: [\\d,]+\\s+Isr: [\\d,]+\\s+Elr:.*", "Leader: <n> Replicas: <n> Isr: <n>"),
        // With KIP-966 Kafka writes this default down for the whole cluster, and so for every topic.
        own("Configs: min\\.insync\\.replicas=1,?", "Configs: "),
        own("\\bbroker \\d+ are\\b", "broker <n> are"),
        own("\\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\b", "<uuid>"),
        own("/(127\\.0\\.0\\.1|0:0:0:0:0:0:0:1)\\b", "/<host>"),
        own("<bootstrap> +\\(\\d+\\)", "<coordinator>"));

    /** Lines that are left out: traces, and an advertisement that depends on features. */
    private static final Pattern LEFT_OUT =
        Pattern.compile("at [\\w.$/<>]+\\(.*\\)|\\.\\.\\. \\d+ more|The consumer rebalance protocol \\(KIP-848\\) is .*");

    private static Map.Entry<Pattern, String> own(String pattern, String instead) {
        return Map.entry(Pattern.compile(pattern), instead);
    }

    static Server at(String bootstrap, Path properties) throws Exception {
        try (Admin admin = Admin.create(settings(bootstrap, properties))) {
            int id = admin.describeCluster().nodes().get().iterator().next().id();
            return new Server(bootstrap, properties, Integer.toString(id));
        }
    }

    /** Settings of a client that signs in. */
    Properties settings() throws Exception {
        return settings(bootstrap, properties);
    }

    private static Properties settings(String bootstrap, Path properties) throws Exception {
        Properties settings = new Properties();
        try (InputStream in = Files.newInputStream(properties)) {
            settings.load(in);
        }
        settings.put("bootstrap.servers", bootstrap);
        return settings;
    }

    /** Output as lines that are the same for every server and run: columns are one space apart, blank lines are left out. */
    List<String> plain(String output, Path folder) {
        // A client of Java names no host like `localhost` in TLS, and is then told the address that it came to.
        String address = "127.0.0.1" + bootstrap.substring(bootstrap.lastIndexOf(':'));
        String text = output.replace(folder.toString(), "<folder>").replace(bootstrap, "<bootstrap>")
            .replace(address, "<bootstrap>").replace(properties.toString(), "<properties>");
        for (Map.Entry<Pattern, String> own : OWN.entrySet()) {
            text = own.getKey().matcher(text).replaceAll(own.getValue());
        }
        List<String> lines = new ArrayList<>();
        for (String line : text.split("\n")) {
            String plain = line.replaceAll("[ \t]+", " ").strip();
            if (!plain.isEmpty() && !LEFT_OUT.matcher(plain).matches()) {
                lines.add(plain);
            }
        }
        return lines;
    }
}
