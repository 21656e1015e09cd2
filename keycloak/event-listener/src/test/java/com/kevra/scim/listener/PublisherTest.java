package com.kevra.scim.listener;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class PublisherTest {
    private final Counters counters = new Counters();
    private final List<String> delivered = new CopyOnWriteArrayList<>();

    private static RealmEvent event(int number) {
        return new RealmEvent(
                "event-" + number, number, "realm", RealmEvent.Kind.ADMIN, "UPDATE", "USER", null, null, null);
    }

    private static List<String> ids(int count) {
        return IntStream.range(0, count).mapToObj(number -> "event-" + number).toList();
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(5);
        }
    }

    /** Delivers what {@code delivery} leaves it to. */
    private interface Delivery {
        void attempt(List<RealmEvent> batch) throws Exception;
    }

    private static Broker broker(Delivery delivery) {
        return () -> new Broker.Session() {
            private boolean open = true;

            @Override
            public boolean isOpen() {
                return open;
            }

            @Override
            public void deliver(List<RealmEvent> batch) throws Exception {
                delivery.attempt(batch);
            }

            @Override
            public void close() {
                open = false;
            }
        };
    }

    private void take(List<RealmEvent> messages) {
        messages.forEach(message -> delivered.add(message.id()));
        messages.clear();
    }

    private Publisher publisher(Broker broker, int capacity) {
        Publisher publisher = new Publisher(broker, counters, capacity);
        publisher.start();
        return publisher;
    }

    @Test
    void aFullQueueDropsAndCounts() {
        Publisher publisher = new Publisher(broker(this::take), counters, 3);
        IntStream.range(0, 10).forEach(number -> publisher.offer(event(number)));
        assertEquals(7, counters.dropped.sum());
        publisher.start();
        publisher.close();
        assertEquals(ids(3), delivered);
        publisher.offer(event(11));
        assertEquals(8, counters.dropped.sum());
    }

    @Test
    void aHangingBrokerCostsTheCallerNothing() throws InterruptedException {
        CountDownLatch hanging = new CountDownLatch(1);
        CountDownLatch thawed = new CountDownLatch(1);
        Publisher publisher = publisher(
                broker(batch -> {
                    hanging.countDown();
                    thawed.await();
                    take(batch);
                }),
                100);
        publisher.offer(event(0));
        assertTrue(hanging.await(5, TimeUnit.SECONDS));
        long start = System.nanoTime();
        IntStream.range(1, 1_000_000).forEach(number -> publisher.offer(event(number)));
        long each = (System.nanoTime() - start) / 1_000_000;
        assertTrue(each < 100_000, each + " ns a message");
        assertEquals(999_899, counters.dropped.sum());
        thawed.countDown();
        await(() -> delivered.size() == 101);
        publisher.close();
    }

    @Test
    void aBatchWithoutAnAnswerIsSentAgain() throws InterruptedException {
        int[] attempts = {0};
        Publisher publisher = publisher(
                broker(batch -> {
                    if (attempts[0]++ < 2) {
                        throw new IOException("no answer");
                    }
                    take(batch);
                }),
                100);
        IntStream.range(0, 5).forEach(number -> publisher.offer(event(number)));
        await(() -> delivered.size() == 5);
        publisher.close();
        assertEquals(ids(5), delivered);
        assertEquals(2, counters.reconnects.sum());
        assertEquals(0, counters.dropped.sum());
    }

    @Test
    void onlyWhatWasRefusedIsSentAgain() throws InterruptedException {
        Publisher publisher = new Publisher(broker(batch -> take(batch.subList(0, 1))), counters, 100);
        IntStream.range(0, 3).forEach(number -> publisher.offer(event(number)));
        publisher.start();
        await(() -> delivered.size() == 3);
        publisher.close();
        assertEquals(ids(3), delivered);
        assertEquals(0, counters.reconnects.sum());
    }

    @Test
    void theEndWaitsTwoSecondsAtMost() throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        for (Broker broker : Stream.<Broker>of(
                        () -> {
                            throw new IOException("refused");
                        },
                        () -> {
                            never.await();
                            throw new IOException("unreachable");
                        },
                        broker(batch -> never.await()))
                .toList()) {
            Publisher publisher = publisher(broker, 10);
            publisher.offer(event(0));
            Thread.sleep(20);
            long start = System.nanoTime();
            publisher.close();
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            assertTrue(took.toMillis() < 2_500, took + " for " + broker);
        }
    }

    @Test
    void waitsGrowAndStayBounded() {
        Backoff backoff = new Backoff(RandomGenerator.of("L64X128MixRandom"));
        long longest = 0;
        for (int attempt = 0; attempt < 1_000; attempt++) {
            long wait = backoff.next().toMillis();
            assertTrue(wait >= Math.min(125L << Math.min(attempt, 20), 5_000) && wait <= 10_000, wait + " ms");
            longest = Math.max(longest, wait);
        }
        assertTrue(longest > 9_000);
        backoff.reset();
        assertTrue(backoff.next().toMillis() <= 250);
    }
}
