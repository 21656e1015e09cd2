//! The OpenAPI document says of every answer what it is: the specification wants a description, and a handler that gives
//! none gets the one of its status.

use utoipa::openapi::{OpenApi, RefOr};

/// Fills in the descriptions that are missing.
pub(crate) fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    meaning(status).clone_into(&mut response.description);
                }
            }
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "Done",
        "201" => "Made",
        "202" => "Begun",
        "204" => "Done; there is nothing to say",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_answer_has_a_description() {
        let document: serde_json::Value = serde_json::from_str(&crate::document()).unwrap();
        let mut answers = 0;
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                for answer in operation["responses"].as_object().unwrap().values() {
                    assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{operation}");
                    answers += 1;
                }
            }
        }
        assert!(answers > 30, "{answers}");
    }
}
