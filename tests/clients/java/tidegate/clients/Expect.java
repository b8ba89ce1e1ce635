package tidegate.clients;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** What a program expects of the server, and how it fails: in one sentence. */
final class Expect {
    /** How long anything that is expected may take. */
    static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(10);

    private Expect() {}

    /** Fails the run with {@code sentence} unless {@code holds}. */
    static void expect(boolean holds, String sentence) {
        if (!holds) {
            throw new Failed(sentence);
        }
    }

    /** Asks until the condition holds; at the deadline the run fails with the sentence. */
    static void await(BooleanSupplier condition, String sentence) throws InterruptedException {
        long deadline = System.nanoTime() + DEADLINE.toNanos();
        while (!condition.getAsBoolean()) {
            expect(System.nanoTime() < deadline, sentence + " (waited " + DEADLINE.toSeconds() + " s)");
            Thread.sleep(PAUSE.toMillis());
        }
    }

    /** An expectation that did not hold, told in one sentence. */
    @SuppressWarnings("serial")
    static final class Failed extends RuntimeException {
        Failed(String sentence) {
            super(sentence);
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }
}
