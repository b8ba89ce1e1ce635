package tidegate.clients;

import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;

/** What a client has measured about itself. */
final class ClientMetrics {
    private ClientMetrics() {}

    /** The largest of the metrics of this name; 0 if nothing was measured. */
    static double max(Map<MetricName, ? extends Metric> metrics, String name) {
        return metrics.entrySet().stream().filter(entry -> entry.getKey().name().equals(name))
            .mapToDouble(entry -> ((Number) entry.getValue().metricValue()).doubleValue())
            .filter(Double::isFinite).max().orElse(0);
    }
}
