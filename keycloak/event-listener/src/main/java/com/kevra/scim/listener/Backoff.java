package com.kevra.scim.listener;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt: from a quarter of a second, doubling up to ten, without end. A random half of
 * it is left out, so that a cluster of Keycloak servers does not return to a broker in step.
 */
final class Backoff {
    private static final long FIRST_MS = 250;
    private static final long LONGEST_MS = 10_000;

    private final RandomGenerator random;
    private long ceiling = FIRST_MS;

    Backoff(RandomGenerator random) {
        this.random = random;
    }

    Duration next() {
        long wait = random.nextLong(ceiling / 2, ceiling + 1);
        ceiling = Math.min(LONGEST_MS, ceiling * 2);
        return Duration.ofMillis(wait);
    }

    void reset() {
        ceiling = FIRST_MS;
    }
}
