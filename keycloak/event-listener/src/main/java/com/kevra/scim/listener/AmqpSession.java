package com.kevra.scim.listener;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import java.io.IOException;
import java.util.Date;
import java.util.List;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeoutException;

/** One connection with one channel in confirm mode. */
final class AmqpSession implements Broker.Session {
    static final int CLOSE_MS = 1_000;
    private static final int PERSISTENT = 2;

    private final Connection connection;
    private final Channel channel;
    private final Settings settings;
    private final Counters counters;
    /** Sent and not yet answered for, by delivery tag. Of this channel only: a late answer counts for no other. */
    private final ConcurrentNavigableMap<Long, RealmEvent> open = new ConcurrentSkipListMap<>();

    AmqpSession(Connection connection, Settings settings, Counters counters) throws IOException {
        this.connection = connection;
        this.settings = settings;
        this.counters = counters;
        channel = connection.createChannel();
        channel.addReturnListener(unroutable -> counters.returned.increment());
        channel.addConfirmListener(this::confirm, (tag, multiple) -> {});
        channel.confirmSelect();
    }

    private void confirm(long tag, boolean multiple) {
        var tags = multiple ? open.headMap(tag, true) : open.subMap(tag, true, tag, true);
        while (tags.pollFirstEntry() != null) {
            counters.confirmed.increment();
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void deliver(List<RealmEvent> batch) throws Exception {
        long tag = channel.getNextPublishSeqNo();
        open.clear();
        for (RealmEvent event : batch) {
            open.put(tag++, event);
        }
        try {
            for (RealmEvent event : batch) {
                channel.basicPublish(settings.exchange(), event.routingKey(), true, properties(event), event.body());
                counters.sent.increment();
            }
            // False for refused ones, which are then still open.
            channel.waitForConfirms(settings.confirmTimeout().toMillis());
        } catch (TimeoutException silence) {
            throw new IOException("no confirm within " + settings.confirmTimeout().toMillis() + " ms");
        } finally {
            batch.clear();
            batch.addAll(open.values());
        }
    }

    private static BasicProperties properties(RealmEvent event) {
        return new BasicProperties.Builder()
                .contentType("application/json")
                .deliveryMode(PERSISTENT)
                .messageId(event.id())
                .timestamp(new Date(event.time()))
                .appId("kevra-keycloak-listener")
                .type("kevra.realm-event.v1")
                .build();
    }

    @Override
    public void close() {
        connection.abort(CLOSE_MS);
    }
}
