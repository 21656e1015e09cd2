package com.kevra.scim.listener;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.keycloak.events.Event;
import org.keycloak.events.EventType;
import org.keycloak.events.admin.AdminEvent;
import org.keycloak.events.admin.OperationType;
import org.keycloak.events.admin.ResourceType;
import org.keycloak.models.ClientModel;
import org.keycloak.models.KeycloakContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.KeycloakTransaction;
import org.keycloak.models.KeycloakTransactionManager;

class RealmEventListenerTest {
    private static final String USER = "7b2f1a0e-6c1f-4f0e-9c57-0b4a4f3d2c11";
    private static final String CLIENT = "99999999-8888-7777-6666-555555555555";

    private final List<RealmEvent> published = new ArrayList<>();
    private final List<KeycloakTransaction> enlisted = new ArrayList<>();
    private final RealmEventListener listener = new RealmEventListener(session(), published::add);

    /** An object that answers these methods, and no others. */
    private static <T> T answering(Class<T> type, Map<String, Object> answers) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            if (!answers.containsKey(method.getName())) {
                throw new UnsupportedOperationException(method.getName());
            }
            return answers.get(method.getName());
        }));
    }

    private KeycloakSession session() {
        ClientModel client = answering(ClientModel.class, Map.of("getClientId", "account", "getId", CLIENT));
        KeycloakContext context = answering(KeycloakContext.class, Map.of("getClient", client));
        KeycloakTransactionManager transactions = (KeycloakTransactionManager) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {KeycloakTransactionManager.class},
                (self, method, arguments) -> {
                    assertEquals("enlistAfterCompletion", method.getName());
                    KeycloakTransaction transaction = (KeycloakTransaction) arguments[0];
                    transaction.begin();
                    enlisted.add(transaction);
                    return null;
                });
        return answering(
                KeycloakSession.class, Map.of("getContext", context, "getTransactionManager", transactions));
    }

    private static AdminEvent update() {
        AdminEvent event = new AdminEvent();
        event.setRealmId("realm");
        event.setResourceType(ResourceType.USER);
        event.setOperationType(OperationType.UPDATE);
        event.setResourcePath("users/" + USER);
        return event;
    }

    private static Event registration(String client) {
        Event event = new Event();
        event.setRealmId("realm");
        event.setType(EventType.REGISTER);
        event.setUserId(USER);
        event.setClientId(client);
        return event;
    }

    @Test
    void nothingIsSentBeforeTheCommit() {
        listener.onEvent(update(), true);
        listener.onEvent(update(), false);
        assertEquals(List.of(), published);
        assertEquals(1, enlisted.size());
        enlisted.get(0).commit();
        assertEquals(2, published.size());
    }

    @Test
    void nothingIsSentAfterARollBack() {
        listener.onEvent(update(), true);
        enlisted.get(0).rollback();
        assertEquals(List.of(), published);
    }

    @Test
    void aSecondTransactionOfTheSessionHasItsOwnNotes() {
        listener.onEvent(update(), true);
        enlisted.get(0).rollback();
        listener.onEvent(update(), true);
        enlisted.get(1).commit();
        assertEquals(1, published.size());
    }

    @Test
    void whatIsNotToldEnlistsNothing() {
        AdminEvent other = update();
        other.setResourceType(ResourceType.CLIENT);
        listener.onEvent(other, true);
        assertEquals(List.of(), enlisted);
    }

    @Test
    void theActingClientIsNamedByItsIdIfTheRequestKnowsIt() {
        listener.onEvent(registration("account"));
        listener.onEvent(registration("another"));
        enlisted.get(0).commit();
        assertEquals(CLIENT, published.get(0).clientId());
        assertEquals(null, published.get(1).clientId());
    }
}
