package com.kevra.scim.listener;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.keycloak.events.Event;
import org.keycloak.events.EventType;
import org.keycloak.events.admin.AdminEvent;
import org.keycloak.events.admin.AuthDetails;
import org.keycloak.events.admin.OperationType;
import org.keycloak.events.admin.ResourceType;

class RealmEventTest {
    private static final String ID = "11111111-2222-3333-4444-555555555555";
    private static final String REALM = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    private static final String USER = "7b2f1a0e-6c1f-4f0e-9c57-0b4a4f3d2c11";
    private static final String CLIENT = "99999999-8888-7777-6666-555555555555";

    private static AdminEvent admin(ResourceType resource, OperationType operation, String path) {
        AuthDetails by = new AuthDetails();
        by.setClientId(CLIENT);
        by.setUserId("66666666-7777-8888-9999-000000000000");
        by.setIpAddress("203.0.113.9");
        AdminEvent event = new AdminEvent();
        event.setId(ID);
        event.setTime(1_700_000_000_123L);
        event.setRealmId(REALM);
        event.setRealmName("acme");
        event.setAuthDetails(by);
        event.setResourceType(resource);
        event.setOperationType(operation);
        event.setResourcePath(path);
        event.setRepresentation("{\"username\":\"jane\",\"email\":\"jane@example.com\"}");
        event.setDetails(Map.of("username", "jane"));
        return event;
    }

    private static Event user(EventType type) {
        Event event = new Event();
        event.setId(ID);
        event.setTime(1_700_000_000_123L);
        event.setRealmId(REALM);
        event.setRealmName("acme");
        event.setType(type);
        event.setUserId(USER);
        event.setClientId("account-console");
        event.setIpAddress("203.0.113.9");
        event.setDetails(Map.of("username", "jane", "updated_email", "jane@example.com"));
        return event;
    }

    private static String text(RealmEvent event) {
        return new String(event.body(), StandardCharsets.UTF_8);
    }

    @Test
    void anAdministratorsChangeIsIdsAndWordsOnly() {
        RealmEvent event = RealmEvent.of(admin(ResourceType.USER, OperationType.UPDATE, "users/" + USER)).orElseThrow();
        assertEquals(
                "{\"v\":1,\"id\":\"" + ID + "\",\"time\":1700000000123,\"realm_id\":\"" + REALM
                        + "\",\"kind\":\"admin\",\"operation\":\"UPDATE\",\"resource\":\"USER\",\"user_id\":\"" + USER
                        + "\",\"path\":\"users/" + USER + "\",\"client_id\":\"" + CLIENT + "\"}",
                text(event));
        assertEquals("realm." + REALM + ".admin.UPDATE", event.routingKey());
    }

    @Test
    void theUsersOwnChangeIsIdsAndWordsOnly() {
        RealmEvent event = RealmEvent.of(user(EventType.UPDATE_PROFILE), null).orElseThrow();
        assertEquals(
                "{\"v\":1,\"id\":\"" + ID + "\",\"time\":1700000000123,\"realm_id\":\"" + REALM
                        + "\",\"kind\":\"user\",\"operation\":\"UPDATE_PROFILE\",\"resource\":\"USER\",\"user_id\":\""
                        + USER + "\"}",
                text(event));
        assertEquals("realm." + REALM + ".user.UPDATE_PROFILE", event.routingKey());
    }

    @ParameterizedTest
    @CsvSource({
        "USER, CREATE, users, true",
        "USER, DELETE, users, true",
        "USER, ACTION, users, false",
        "REALM, CREATE, users, true",
        "REALM, UPDATE, groups, false",
        "GROUP_MEMBERSHIP, CREATE, users, true",
        "GROUP_MEMBERSHIP, DELETE, users, true",
        "REALM_ROLE_MAPPING, CREATE, users, true",
        "REALM_ROLE_MAPPING, DELETE, groups, true",
        "GROUP, DELETE, groups, true",
        "GROUP, UPDATE, groups, false",
        "GROUP, CREATE, groups, false",
        "CLIENT, UPDATE, users, false",
        "CLIENT_ROLE_MAPPING, CREATE, users, false",
    })
    void takesWhatChangesUsers(ResourceType resource, OperationType operation, String of, boolean taken) {
        assertEquals(taken, RealmEvent.of(admin(resource, operation, of + "/" + USER)).isPresent());
    }

    @Test
    void aGroupIsNoUser() {
        RealmEvent event = RealmEvent.of(admin(ResourceType.GROUP, OperationType.DELETE, "groups/" + USER)).orElseThrow();
        assertFalse(text(event).contains("user_id"));
        assertTrue(text(event).contains("\"path\":\"groups/" + USER + "\""));
    }

    @ParameterizedTest
    @EnumSource(value = EventType.class, names = {
        "LOGIN", "LOGIN_ERROR", "REGISTER_ERROR", "UPDATE_PROFILE_ERROR", "UPDATE_PASSWORD", "LOGOUT", "CODE_TO_TOKEN"})
    void otherThingsAUserDoesAreNotTold(EventType type) {
        assertEquals(Optional.empty(), RealmEvent.of(user(type), null));
    }

    @Test
    void refusedRequestsAreNotTold() {
        AdminEvent admin = admin(ResourceType.USER, OperationType.UPDATE, "users/" + USER);
        admin.setError("refused");
        assertEquals(Optional.empty(), RealmEvent.of(admin));
        Event user = user(EventType.REGISTER);
        user.setError("email_in_use");
        assertEquals(Optional.empty(), RealmEvent.of(user, null));
    }

    @Test
    void idsThatHoldNamesAreNotTold() {
        Event user = user(EventType.UPDATE_PROFILE);
        user.setUserId("f:" + REALM + ":jane");
        assertEquals(Optional.empty(), RealmEvent.of(user, null));
        AdminEvent admin = admin(ResourceType.USER, OperationType.UPDATE, "users/" + USER);
        admin.getAuthDetails().setClientId("janes-script");
        assertFalse(text(RealmEvent.of(admin).orElseThrow()).contains("client_id"));
        admin.setAuthDetails(null);
        assertFalse(text(RealmEvent.of(admin).orElseThrow()).contains("client_id"));
    }

    @Test
    void anImportedRealmsIdIsEscaped() {
        AdminEvent admin = admin(ResourceType.USER, OperationType.UPDATE, "users/" + USER);
        admin.setRealmId("a.b\"\\\n#");
        RealmEvent event = RealmEvent.of(admin).orElseThrow();
        assertEquals("realm.a_b____.admin.UPDATE", event.routingKey());
        assertTrue(text(event).contains("\"realm_id\":\"a.b\\\"\\\\\\u000a#\""), text(event));
    }

    @Test
    void everyMessageHasAnId() {
        AdminEvent admin = admin(ResourceType.USER, OperationType.UPDATE, "users/" + USER);
        admin.setId(null);
        assertTrue(ResourcePath.isUuid(RealmEvent.of(admin).orElseThrow().id()));
    }
}
