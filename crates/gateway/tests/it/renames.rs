//! Whether an identity provider may rename users is the tenant's to say.

use registry::option;
use serde_json::json;

use crate::served::{Served, served};

fn allow(served: &Served, allow_rename: bool) {
    served.wait(async {
        let held = option::of(&served.db, served.tenant).await.unwrap();
        option::set(&served.db, served.tenant, &option::Options { allow_rename, ..held }, None, "test").await.unwrap();
    });
}

#[test]
fn a_rename_is_400_mutability_where_the_tenant_does_not_allow_it() {
    served(|served| {
        let (_, made) = served.send("POST", "/Users", Some(&json!({ "userName": "Ada", "title": "Countess" })));
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let rename = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "grace" }] });
        let put = json!({ "userName": "grace", "title": "Countess" });
        allow(served, false);
        for (method, body) in [("PATCH", &rename), ("PUT", &put)] {
            let (status, error) = served.send(method, &path, Some(body));
            assert_eq!((status, &error["scimType"]), (400, &json!("mutability")), "{method}: {error}");
        }
        let (_, held) = served.send("GET", &path, None);
        assert_eq!((&held["userName"], &held["meta"]["version"]), (&json!("Ada"), &made["meta"]["version"]));
        // The same name in other letters is the same name, and everything else changes as ever.
        let (status, _) = served.send("PUT", &path, Some(&json!({ "userName": "ADA", "title": "Duchess" })));
        assert_eq!(status, 200);
        allow(served, true);
        for (method, body, name) in [("PATCH", &rename, "grace"), ("PUT", &json!({ "userName": "joan" }), "joan")] {
            let (status, renamed) = served.send(method, &path, Some(body));
            assert_eq!((status, &renamed["userName"], &renamed["id"]), (200, &json!(name), &made["id"]), "{method}");
        }
    });
}
