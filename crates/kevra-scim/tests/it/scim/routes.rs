//! Every route there is, with the methods it takes: the one table from which the tests of exits and of credentials are made.

/// Routes and what is allowed on them, as a 405 says it. `{user}` and `{group}` stand for ids.
pub const ROUTES: [(&str, &str); 14] = [
    ("/", "GET"),
    ("/ServiceProviderConfig", "GET"),
    ("/ResourceTypes", "GET"),
    ("/ResourceTypes/User", "GET"),
    ("/Schemas", "GET"),
    ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "GET"),
    ("/Users", "GET, POST"),
    ("/Users/{user}", "GET, PUT, PATCH, DELETE"),
    ("/Groups", "GET, POST"),
    ("/Groups/{group}", "GET, PUT, PATCH, DELETE"),
    ("/Users/.search", "POST"),
    ("/Groups/.search", "POST"),
    ("/.search", "POST"),
    ("/Bulk", "POST"),
];

/// What is answered for no method.
pub const UNSERVED: [&str; 2] = ["/Me", "/nothing"];

pub const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"];

/// A method that a route takes; where GET is taken HEAD is too.
pub fn takes(allowed: &str, method: &str) -> bool {
    let asked = if method == "HEAD" { "GET" } else { method };
    allowed.split(", ").any(|one| one == asked)
}

/// A route with the ids in their places.
pub fn at(route: &str, user: &str, group: &str) -> String {
    route.replace("{user}", user).replace("{group}", group)
}
