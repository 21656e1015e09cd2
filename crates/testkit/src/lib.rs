//! Test servers: database per test, vhost per test, Keycloak, a scriptable downstream, a breakable proxy.
