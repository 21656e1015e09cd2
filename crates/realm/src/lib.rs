//! The Keycloak realm (Admin REST API) and the embedded realm, behind one surface.
