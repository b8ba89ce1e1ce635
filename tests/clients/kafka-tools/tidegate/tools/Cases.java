package tidegate.tools;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs a file of cases, each a few calls of Kafka's command-line tools, in this one process (a process for each call
 * would take most of its time to start), and prints what they print, without what differs from run to run.
 *
 * <p>Usage: {@code Cases CASES_FILE BOOTSTRAP CLIENT_PROPERTIES}. The file: {@code == TITLE} begins a case, {@code #} a
 * comment; every other line is a step, and the lines after it that begin with {@code <} are its input. A step is a call
 * of a tool ({@link Tool}), or of {@link Groups} ({@code join}, {@code leave}), or {@code file NAME}, which writes its
 * input to a file that later steps name as {@code {folder}/NAME}. Words are split at spaces outside single quotes.
 */
public final class Cases {
    /** Thrown in place of the end of the process. */
    private static final class Ended extends Error {
        Ended() {
            super(null, null, false, false);
        }
    }

    private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

    private final PrintStream terminal = System.out;
    private final PrintStream complaints = System.err;
    private final List<Runnable> hooks = new ArrayList<>();
    /** The status that the running tool has ended with, if it has. */
    private Integer status;
    private final Server server;
    private final Groups groups;
    private final Path folder;

    private Cases(Server server) throws Exception {
        this.server = server;
        this.groups = new Groups(server);
        this.folder = Files.createTempDirectory("cases");
    }

    public static void main(String[] arguments) throws Exception {
        Server server = Server.at(arguments[1], Path.of(arguments[2]));
        Cases cases = new Cases(server);
        Exit.setExitProcedure((status, message) -> cases.end(status));
        Exit.setHaltProcedure((status, message) -> cases.end(status));
        Exit.setShutdownHookAdder((name, hook) -> cases.hooks.add(hook));
        cases.run(Files.readAllLines(Path.of(arguments[0])));
        cases.terminal.flush();
        Runtime.getRuntime().halt(0);
    }

    /** Ends a tool as the end of its process would: what it says after that, because it catches all, is not heard. */
    private void end(int status) {
        if (this.status == null) {
            this.status = status;
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            System.setErr(System.out);
        }
        throw new Ended();
    }

    private void run(List<String> lines) throws Exception {
        for (int at = 0; at < lines.size(); at++) {
            String line = lines.get(at).strip();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            if (line.startsWith("==")) {
                terminal.println(line);
                continue;
            }
            StringBuilder input = new StringBuilder();
            while (at + 1 < lines.size() && lines.get(at + 1).startsWith("<")) {
                input.append(lines.get(++at).replaceFirst("^< ?", "")).append('\n');
            }
            terminal.println("$ " + line);
            step(words(line), input.toString());
        }
    }

    private List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(line);
        while (word.find()) {
            String text = word.group(1) != null ? word.group(1) : word.group(2);
            words.add(text.replace("{folder}", folder.toString()).replace("{broker}", server.broker()));
        }
        return words;
    }

    private void step(List<String> words, String input) throws Exception {
        switch (words.get(0)) {
            case "file" -> Files.writeString(folder.resolve(words.get(1)), input);
            case "join" -> {
                if (!groups.join(words.get(1), words.get(2), words.get(3))) {
                    terminal.println("[no partitions]");
                }
            }
            case "leave" -> groups.leave(words.get(1));
            default -> call(Tool.named(words.get(0)), words.subList(1, words.size()), input);
        }
    }

    /** Calls a tool's main with streams of its own, and prints what it printed and how it ended. */
    private void call(Tool tool, List<String> arguments, String input) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
        status = null;
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        System.setOut(stream);
        System.setErr(stream);
        try {
            tool.main(server, arguments);
        } catch (Ended ended) {
            // Its status is known.
        } catch (Exception thrown) {
            thrown.printStackTrace(stream);
            status = 1;
        }
        hooks.forEach(Runnable::run);
        hooks.clear();
        System.setOut(terminal);
        System.setErr(complaints);
        for (String line : server.plain(printed.toString(StandardCharsets.UTF_8), folder)) {
            terminal.println(line);
        }
        if (status != null && status != 0) {
            terminal.println("[status " + status + "]");
        }
    }
}
