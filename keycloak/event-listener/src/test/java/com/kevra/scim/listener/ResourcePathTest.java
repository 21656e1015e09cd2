package com.kevra.scim.listener;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class ResourcePathTest {
    private static final String ID = "7b2f1a0e-6c1f-4f0e-9c57-0b4a4f3d2c11";

    @ParameterizedTest
    @CsvSource({
        "users/{id}, users/{id}",
        "users/{id}/groups/0e3c2b1a-1111-2222-3333-444455556666, users/{id}/groups",
        "users/{id}/role-mappings/realm, users/{id}/role-mappings",
        "users/{id}/federated-identity/jane@example.com, users/{id}/federated-identity",
        "scim/v2/Users/{id}, users/{id}",
        "groups/{id}, groups/{id}",
        "groups/{id}/role-mappings/realm, groups/{id}/role-mappings",
        "scim/v2/Groups/{id}, groups/{id}",
    })
    void keepsTheIdAndTheFirstWord(String path, String kept) {
        assertEquals(
                Optional.of(kept.replace("{id}", ID)),
                ResourcePath.of(path.replace("{id}", ID)).map(ResourcePath::toString));
    }

    @ParameterizedTest
    @NullAndEmptySource
    @ValueSource(strings = {
        "users", "users/", "users/profile", "users/" + ID + "/", "users/" + ID + "/Jane", "users//" + ID,
        "clients/" + ID, "roles-by-id/" + ID, "scim/v2/users/" + ID, "admin/users/" + ID, "Users/" + ID,
        "users/f:0e3c2b1a-1111-2222-3333-444455556666:jane", "users/jane", "scim/v2/Users", "users/" + ID + "\n",
    })
    void refusesWhatIsNoUserOrGroupWithAUuid(String path) {
        assertEquals(Optional.empty(), ResourcePath.of(path));
    }

    @Test
    void tellsUsersFromGroups() {
        assertEquals(Optional.of(true), ResourcePath.of("users/" + ID).map(ResourcePath::isUser));
        assertEquals(Optional.of(false), ResourcePath.of("groups/" + ID).map(ResourcePath::isUser));
    }
}
