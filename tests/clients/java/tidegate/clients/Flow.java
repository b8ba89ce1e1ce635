package tidegate.clients;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** What was offered to one partition and what got through, in tenths of seconds since the start. */
final class Flow {
    static final int RECORD_BYTES = 15_000;
    private static final int WAITS_MAX = 1_000_000;

    final int partition;
    private final long start;
    private final Map<Integer, Long> through = new TreeMap<>();
    private final double[] waitsMs = new double[WAITS_MAX];
    private int waits;
    private long offered;
    private long waiting;

    Flow(long start, int partition) {
        this.start = start;
        this.partition = partition;
    }

    /** Whether the next record's time has come. */
    boolean due(long bytesPerSecond) {
        return offered < bytesPerSecond * ((System.nanoTime() - start) / 1e9);
    }

    /** One record is offered; it counts as offered even if it is then left out. */
    void offer() {
        offered += RECORD_BYTES;
    }

    synchronized void send() {
        waiting += RECORD_BYTES;
    }

    synchronized long waiting() {
        return waiting;
    }

    /** One record that set out {@code waitedMs} ago got through now; waits beyond the bound are not kept. */
    synchronized void done(double waitedMs) {
        waiting -= RECORD_BYTES;
        int slice = (int) ((System.nanoTime() - start) / 100_000_000L);
        through.merge(slice, (long) RECORD_BYTES, Long::sum);
        if (waits < WAITS_MAX) {
            waitsMs[waits++] = waitedMs;
        }
    }

    /** This flow as the judge reads it. */
    synchronized ObjectNode report(ObjectMapper json) {
        ObjectNode report = json.createObjectNode().put("partition", partition);
        var slices = report.putArray("through");
        through.forEach((slice, bytes) -> slices.addArray().add(slice / 10.0).add(bytes));
        ObjectNode percentiles = report.putObject("wait_ms");
        double[] sorted = Arrays.copyOf(waitsMs, waits);
        Arrays.sort(sorted);
        for (int percent : sorted.length == 0 ? new int[0] : new int[] {50, 95, 99, 100}) {
            int at = Math.min(sorted.length - 1, sorted.length * percent / 100);
            percentiles.put(String.valueOf(percent), Math.round(sorted[at] * 10) / 10.0);
        }
        return report;
    }
}
