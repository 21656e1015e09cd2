package com.kevra.scim.listener;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.keycloak.events.Event;
import org.keycloak.events.EventListenerProvider;
import org.keycloak.events.admin.AdminEvent;
import org.keycloak.models.AbstractKeycloakTransaction;
import org.keycloak.models.ClientModel;
import org.keycloak.models.KeycloakSession;

/**
 * Hears the events of one request and hands them on once Keycloak has committed.
 *
 * <p>Keycloak calls a listener before the commit, on the thread of the request. A message sent then would be read before
 * the change is there, or tell of a change that was rolled back. So this only takes notes; the transaction's end sends
 * them or throws them away.
 */
final class RealmEventListener implements EventListenerProvider {
    private final KeycloakSession session;
    private final Consumer<RealmEvent> publisher;
    private AfterCommit notes;

    RealmEventListener(KeycloakSession session, Consumer<RealmEvent> publisher) {
        this.session = session;
        this.publisher = publisher;
    }

    @Override
    public void onEvent(AdminEvent event, boolean includeRepresentation) {
        RealmEvent.of(event).ifPresent(this::note);
    }

    @Override
    public void onEvent(Event event) {
        RealmEvent.of(event, clientOf(event)).ifPresent(this::note);
    }

    /** Only from what the request has at hand: a look-up could cost it a query. */
    private String clientOf(Event event) {
        return Optional.ofNullable(session.getContext().getClient())
                .filter(client -> client.getClientId().equals(event.getClientId()))
                .map(ClientModel::getId)
                .orElse(null);
    }

    /** A session may commit more than once; notes that were closed take no more. */
    private void note(RealmEvent event) {
        if (notes == null || notes.closed) {
            notes = new AfterCommit();
            session.getTransactionManager().enlistAfterCompletion(notes);
        }
        notes.events.add(event);
    }

    @Override
    public void close() {}

    private final class AfterCommit extends AbstractKeycloakTransaction {
        private final List<RealmEvent> events = new ArrayList<>();
        private boolean closed;

        @Override
        protected void commitImpl() {
            closed = true;
            events.forEach(publisher);
        }

        @Override
        protected void rollbackImpl() {
            closed = true;
        }
    }
}
