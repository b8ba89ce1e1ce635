package tidegate.tools;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;

/** Kafka's tools by the names of their scripts, without `kafka-` and `.sh`. */
enum Tool {
    TOPICS("org.apache.kafka.tools.TopicCommand"),
    CONFIGS("kafka.admin.ConfigCommand"),
    CONSUMER_GROUPS("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    GET_OFFSETS("org.apache.kafka.tools.GetOffsetShell"),
    DELETE_RECORDS("org.apache.kafka.tools.DeleteRecordsCommand"),
    CONSOLE_PRODUCER("org.apache.kafka.tools.ConsoleProducer"),
    CONSOLE_CONSUMER("org.apache.kafka.tools.consumer.ConsoleConsumer");

    private final String type;

    Tool(String type) {
        this.type = type;
    }

    static Tool named(String script) {
        return valueOf(script.toUpperCase().replace('-', '_'));
    }

    /** Runs the tool's main with the server's address and the sign-in before the other arguments. */
    void main(Server server, List<String> arguments) throws Exception {
        List<String> all = new ArrayList<>(
            List.of("--bootstrap-server", server.bootstrap(), "--command-config", server.properties().toString()));
        all.addAll(arguments);
        Class<?> tool = Class.forName(type);
        if (this == CONSOLE_CONSUMER) {
            // It counts messages in a static field, since it expects to run once in a process.
            Field count = tool.getDeclaredField("messageCount");
            count.setAccessible(true);
            count.setInt(null, 0);
        }
        try {
            tool.getMethod("main", String[].class).invoke(null, (Object) all.toArray(String[]::new));
        } catch (InvocationTargetException thrown) {
            if (thrown.getCause() instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown.getCause();
        }
    }
}
