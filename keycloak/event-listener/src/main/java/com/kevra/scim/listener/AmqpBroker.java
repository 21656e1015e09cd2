package com.kevra.scim.listener;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.impl.ForgivingExceptionHandler;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.jboss.logging.Logger;

/** RabbitMQ: how to reach it, and the exchange. Recovery is the publisher's, not the library's. */
final class AmqpBroker implements Broker {
    private static final Logger LOG = Logger.getLogger(AmqpBroker.class);
    private static final int TIMEOUT_MS = 5_000;
    private static final int HEARTBEAT_S = 10;
    private static final int TLS_PORT = 5671;

    private final Settings settings;
    private final Counters counters;

    AmqpBroker(Settings settings, Counters counters) {
        this.settings = settings;
        this.counters = counters;
    }

    @Override
    public Session connect() throws Exception {
        Connection connection = factory().newConnection("kevra-scim-event-listener");
        try {
            declareExchange(connection);
            return new AmqpSession(connection, settings, counters);
        } catch (IOException | RuntimeException failed) {
            connection.abort(AmqpSession.CLOSE_MS);
            throw failed;
        }
    }

    private ConnectionFactory factory() throws IOException, GeneralSecurityException {
        ConnectionFactory factory = new ConnectionFactory();
        apply(settings.url(), factory);
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(TIMEOUT_MS);
        factory.setHandshakeTimeout(TIMEOUT_MS);
        factory.setChannelRpcTimeout(TIMEOUT_MS);
        factory.setShutdownTimeout(AmqpSession.CLOSE_MS);
        factory.setRequestedHeartbeat(HEARTBEAT_S);
        factory.setThreadFactory(task -> {
            Thread thread = new Thread(task, "kevra-realm-events-amqp");
            thread.setDaemon(true);
            return thread;
        });
        factory.setExceptionHandler(new Quiet());
        return factory;
    }

    /**
     * The URL in the library's terms. Its own reading of {@code amqps} trusts every certificate; here the server must be
     * known to Java's trust store, which Keycloak fills with its own, and bear the name it was dialled by. No message
     * repeats the URL: it holds a password.
     */
    static void apply(String url, ConnectionFactory factory) throws IOException, GeneralSecurityException {
        try {
            URI uri = new URI(url);
            boolean tls = "amqps".equalsIgnoreCase(uri.getScheme());
            if (!tls && !"amqp".equalsIgnoreCase(uri.getScheme())) {
                throw new IOException("the broker's URL must begin with amqp:// or amqps://");
            }
            if (uri.getHost() == null) {
                throw new IOException("the broker's URL names no host, or one with characters no host name has");
            }
            factory.setUri("amqp:" + uri.getRawSchemeSpecificPart());
            if (tls) {
                factory.setPort(uri.getPort() == -1 ? TLS_PORT : uri.getPort());
                factory.useSslProtocol(SSLContext.getDefault());
                factory.enableHostnameVerification();
            }
        } catch (URISyntaxException | IllegalArgumentException unreadable) {
            throw new IOException("the broker's URL is no URL");
        }
    }

    /** First whether it is there: a user without the right to configure may still publish. */
    private void declareExchange(Connection connection) throws IOException {
        Channel probe = connection.createChannel();
        try {
            probe.exchangeDeclarePassive(settings.exchange());
            probe.abort();
        } catch (IOException absent) {
            // The refusal closed the channel.
            Channel second = connection.createChannel();
            second.exchangeDeclare(settings.exchange(), BuiltinExchangeType.TOPIC, true, false, Map.of());
            second.abort();
        }
    }

    /** The library's complaints come to the publisher as exceptions too, which says it once. */
    private static final class Quiet extends ForgivingExceptionHandler {
        @Override
        protected void log(String message, Throwable trouble) {
            LOG.debug(message, trouble);
        }
    }
}
