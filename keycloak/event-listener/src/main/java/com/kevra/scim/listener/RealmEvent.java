package com.kevra.scim.listener;

import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.keycloak.events.Event;
import org.keycloak.events.EventType;
import org.keycloak.events.admin.AdminEvent;
import org.keycloak.events.admin.OperationType;

/**
 * The message: "this user or group of this realm may have changed", and by which client.
 *
 * <p>Ids, a time and Keycloak's own words, never a name, an address or a value: whoever receives it reads the realm. That
 * makes lost, doubled and reordered messages harmless, and lets them pass through brokers that may not see personal data.
 */
record RealmEvent(
        String id,
        long time,
        String realmId,
        Kind kind,
        String operation,
        String resource,
        String userId,
        String path,
        String clientId) {

    /** Who acted: an administrator (or a program with such rights), or the user himself. */
    enum Kind {
        ADMIN("admin"),
        USER("user");

        private final String word;

        Kind(String word) {
            this.word = word;
        }
    }

    private static final int VERSION = 1;

    private static final Set<OperationType> CHANGES =
            EnumSet.of(OperationType.CREATE, OperationType.UPDATE, OperationType.DELETE);

    private static final Set<EventType> BY_THE_USER = EnumSet.of(
            EventType.REGISTER,
            EventType.UPDATE_PROFILE,
            EventType.UPDATE_EMAIL,
            EventType.VERIFY_EMAIL,
            EventType.DELETE_ACCOUNT,
            EventType.USER_DISABLED_BY_PERMANENT_LOCKOUT,
            EventType.USER_DISABLED_BY_TEMPORARY_LOCKOUT);

    /** Empty for what changes no user, and for what was refused. */
    static Optional<RealmEvent> of(AdminEvent event) {
        if (event.getError() != null || !CHANGES.contains(event.getOperationType())) {
            return Optional.empty();
        }
        String client = event.getAuthDetails() == null ? null : event.getAuthDetails().getClientId();
        return ResourcePath.of(event.getResourcePath())
                .filter(path -> changesUsers(event, path))
                .map(path -> new RealmEvent(
                        idOf(event.getId()),
                        event.getTime(),
                        event.getRealmId(),
                        Kind.ADMIN,
                        event.getOperationType().name(),
                        event.getResourceType().name(),
                        path.isUser() ? path.id() : null,
                        path.toString(),
                        ResourcePath.isUuid(client) ? client : null));
    }

    private static boolean changesUsers(AdminEvent event, ResourcePath path) {
        return switch (event.getResourceType()) {
            // REALM with the path of a user is how a partial import says it.
            case USER, REALM, GROUP_MEMBERSHIP -> path.isUser();
            case REALM_ROLE_MAPPING -> true;
            // One event for the group, none for its members.
            case GROUP -> !path.isUser() && event.getOperationType() == OperationType.DELETE;
            default -> false;
        };
    }

    /** {@code client} is the internal id of the acting client; the event itself carries only its name. */
    static Optional<RealmEvent> of(Event event, String client) {
        if (event.getError() != null
                || !BY_THE_USER.contains(event.getType())
                || !ResourcePath.isUuid(event.getUserId())) {
            return Optional.empty();
        }
        return Optional.of(new RealmEvent(
                idOf(event.getId()),
                event.getTime(),
                event.getRealmId(),
                Kind.USER,
                event.getType().name(),
                "USER",
                event.getUserId(),
                null,
                ResourcePath.isUuid(client) ? client : null));
    }

    /** Keycloak sets one since 26.1; before, one per message still tells a message from its own repetition. */
    private static String idOf(String id) {
        return id == null ? UUID.randomUUID().toString() : id;
    }

    /** {@code realm.<realm_id>.<kind>.<operation>}, always four words: an imported realm's id may hold dots. */
    String routingKey() {
        return "realm." + realmId.replaceAll("[^A-Za-z0-9_-]", "_") + "." + kind.word + "." + operation;
    }

    byte[] body() {
        StringBuilder json = new StringBuilder(320).append("{\"v\":").append(VERSION);
        text(json, "id", id);
        json.append(",\"time\":").append(time);
        text(json, "realm_id", realmId);
        text(json, "kind", kind.word);
        text(json, "operation", operation);
        text(json, "resource", resource);
        text(json, "user_id", userId);
        text(json, "path", path);
        text(json, "client_id", clientId);
        return json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void text(StringBuilder json, String name, String value) {
        if (value == null) {
            return;
        }
        json.append(",\"").append(name).append("\":\"");
        value.chars().forEach(unit -> {
            if (unit == '"' || unit == '\\') {
                json.append('\\').append((char) unit);
            } else if (unit < ' ') {
                json.append(String.format("\\u%04x", unit));
            } else {
                json.append((char) unit);
            }
        });
        json.append('"');
    }
}
