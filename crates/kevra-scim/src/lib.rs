//! SCIM 2.0 provisioning, both ways, for managed Keycloak realms.
