package com.kevra.scim.listener;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where in a realm an administrator changed something: a user or a group, and the first word of what lies beneath it.
 *
 * <p>Nothing else of the path is kept. A user of a federation without import has an id that holds his name
 * ({@code f:…:jane}), and what lies deeper may be named by a person; only UUIDs and Keycloak's own words pass.
 */
record ResourcePath(Owner owner, String id, String beneath) {
    enum Owner {
        USER("users"),
        GROUP("groups");

        private final String collection;

        Owner(String collection) {
            this.collection = collection;
        }
    }

    private static final Pattern PATH = Pattern.compile("(?:scim/v2/U|u)sers/([^/]+)(?:/([a-z-]+)(?:/.*)?)?"
            + "|(?:scim/v2/G|g)roups/([^/]+)(?:/([a-z-]+)(?:/.*)?)?");
    private static final Pattern UUID = Pattern.compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

    /** Empty for the path of anything but a user or a group with a UUID. */
    static Optional<ResourcePath> of(String text) {
        Matcher path = PATH.matcher(text == null ? "" : text);
        if (!path.matches()) {
            return Optional.empty();
        }
        ResourcePath found = path.group(1) != null
                ? new ResourcePath(Owner.USER, path.group(1), path.group(2))
                : new ResourcePath(Owner.GROUP, path.group(3), path.group(4));
        return Optional.of(found).filter(resource -> isUuid(resource.id));
    }

    static boolean isUuid(String text) {
        return text != null && UUID.matcher(text).matches();
    }

    boolean isUser() {
        return owner == Owner.USER;
    }

    /** One form for both of Keycloak's APIs: {@code users/<uuid>}, {@code users/<uuid>/groups}, {@code groups/<uuid>}. */
    @Override
    public String toString() {
        return owner.collection + "/" + id + (beneath == null ? "" : "/" + beneath);
    }
}
