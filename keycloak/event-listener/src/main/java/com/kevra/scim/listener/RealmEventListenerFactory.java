package com.kevra.scim.listener;

import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.keycloak.Config;
import org.keycloak.events.EventListenerProvider;
import org.keycloak.events.EventListenerProviderFactory;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.KeycloakSessionFactory;

/** One publisher for the whole server; without the URL of a broker, none. */
public final class RealmEventListenerFactory implements EventListenerProviderFactory {
    static final String ID = "kevra-scim-events";
    private static final Logger LOG = Logger.getLogger(RealmEventListenerFactory.class);

    private Settings settings;
    private Publisher publisher;

    @Override
    public String getId() {
        return ID;
    }

    /**
     * Every realm, whatever its events' configuration says: a realm's administrator cannot switch it off by mistake, and
     * a server restarted without the jar leaves no realm with an unknown listener.
     *
     * <p>No {@code @Override}: Keycloak 26.0 has no such method and must still load the class.
     */
    public boolean isGlobal() {
        return true;
    }

    @Override
    public void init(Config.Scope options) {
        settings = Settings.of(options::get, System::getenv);
    }

    @Override
    public void postInit(KeycloakSessionFactory sessions) {
        if (settings.isInert()) {
            LOG.info("No broker is configured: realm events are not published, the event poll carries them");
            return;
        }
        Counters counters = new Counters();
        publisher = new Publisher(new AmqpBroker(settings, counters), counters, settings.queueCapacity());
        publisher.start();
    }

    @Override
    public EventListenerProvider create(KeycloakSession session) {
        Consumer<RealmEvent> destination = publisher == null ? event -> {} : publisher::offer;
        return new RealmEventListener(session, destination);
    }

    @Override
    public void close() {
        if (publisher != null) {
            publisher.close();
        }
    }
}
