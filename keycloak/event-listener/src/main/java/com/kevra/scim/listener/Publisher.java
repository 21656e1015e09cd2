package com.kevra.scim.listener;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Stands between Keycloak's requests and the broker: a bounded queue, and one thread that empties it.
 *
 * <p>Everything slow, the name look-up, the connection, the confirms, happens on that thread. A request only puts a
 * message into the queue or, when it is full, counts it as dropped: losing a message costs seconds (the event poll finds
 * the change), holding up a login costs the login.
 */
final class Publisher {
    private static final Logger LOG = Logger.getLogger(Publisher.class);
    private static final int BATCH = 256;
    private static final Duration IDLE = Duration.ofMillis(500);
    private static final Duration REPORT = Duration.ofMinutes(1);
    private static final Duration FLUSH = Duration.ofSeconds(2);
    private static final Duration LAST_WORDS = Duration.ofMillis(100);

    private enum Health {
        WELL(Logger.Level.INFO),
        TROUBLED(Logger.Level.WARN);

        private final Logger.Level level;

        Health(Logger.Level level) {
            this.level = level;
        }
    }

    private final Broker broker;
    private final Counters counters;
    private final BlockingQueue<RealmEvent> queue;
    private final Thread thread = new Thread(this::run, "kevra-realm-events");
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Backoff backoff = new Backoff(new SplittableRandom());

    // Of the thread alone.
    private final List<RealmEvent> batch = new ArrayList<>(BATCH);
    private Broker.Session session;
    private boolean connectedBefore;
    private Health health;
    private String reported;
    private long reportDue = System.nanoTime() + REPORT.toNanos();

    Publisher(Broker broker, Counters counters, int capacity) {
        this.broker = broker;
        this.counters = counters;
        this.queue = new ArrayBlockingQueue<>(capacity);
        this.reported = counters.toString();
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Never waits and never throws. */
    void offer(RealmEvent event) {
        if (closing.getCount() == 0 || !queue.offer(event)) {
            counters.dropped.increment();
        }
    }

    /** Lets the thread send what is queued, for a moment only: an absent broker must not hold up Keycloak's end. */
    void close() {
        closing.countDown();
        try {
            thread.join(FLUSH.toMillis());
            thread.interrupt();
            thread.join(LAST_WORDS.toMillis());
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (!(isClosing() && queue.isEmpty() && batch.isEmpty())) {
            try {
                connect();
                deliver();
            } catch (InterruptedException end) {
                break;
            } catch (Exception trouble) {
                disconnect();
                if (!recovers(reason(trouble))) {
                    break;
                }
            }
            report();
        }
        // Said before the connection is closed, which a frozen broker can delay beyond the log's end.
        counters.dropped.add(queue.size() + (long) batch.size());
        LOG.infof("Realm events at the end: %s", counters);
        disconnect();
    }

    /** Also while there is nothing to send, so that the first message after a quiet night finds a connection. */
    private void connect() throws Exception {
        if (session != null && session.isOpen()) {
            return;
        }
        disconnect();
        session = broker.connect();
        if (connectedBefore) {
            counters.reconnects.increment();
        }
        connectedBefore = true;
        // With messages left over, a connection alone proves nothing: a blocked broker connects and takes none.
        if (batch.isEmpty()) {
            tell(Health.WELL, "Connected to the broker");
        }
    }

    private void deliver() throws Exception {
        if (batch.isEmpty()) {
            RealmEvent first = isClosing() ? queue.poll() : queue.poll(IDLE.toMillis(), TimeUnit.MILLISECONDS);
            if (first == null) {
                return;
            }
            batch.add(first);
        }
        queue.drainTo(batch, BATCH - batch.size());
        session.deliver(batch);
        if (batch.isEmpty()) {
            backoff.reset();
            tell(Health.WELL, "The broker takes realm events");
        } else if (!recovers("it refused " + batch.size() + " messages")) {
            throw new InterruptedException();
        }
    }

    /** Waits before the next attempt; false when there is none. */
    private boolean recovers(String reason) {
        tell(Health.TROUBLED, "The broker takes no realm events, trying again: " + reason);
        try {
            long wait = backoff.next().toMillis();
            if (isClosing()) {
                Thread.sleep(Math.min(wait, 250));
            } else {
                closing.await(wait, TimeUnit.MILLISECONDS);
            }
            return true;
        } catch (InterruptedException end) {
            return false;
        }
    }

    /** The first of a row is worth a line, its repetitions are not. */
    private void tell(Health now, String line) {
        LOG.log(health == now ? Logger.Level.DEBUG : now.level, line);
        health = now;
    }

    private boolean isClosing() {
        return closing.getCount() == 0;
    }

    private void disconnect() {
        if (session != null) {
            session.close();
            session = null;
        }
    }

    private void report() {
        if (System.nanoTime() < reportDue) {
            return;
        }
        reportDue = System.nanoTime() + REPORT.toNanos();
        String now = counters.toString();
        if (!now.equals(reported)) {
            reported = now;
            LOG.infof("Realm events: %s", now);
        }
    }

    private static String reason(Throwable trouble) {
        Throwable root = trouble;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getClass().getSimpleName() + (root.getMessage() == null ? "" : ": " + root.getMessage());
    }
}
