//! Every stable code somebody may meet, with what it means: one table, from which the page of the documentation is made.
//! Programs and people choose by the code, never by the text beside it.

use std::fmt::Write;

/// A code with its meaning.
pub(crate) struct Code {
    /// As on the wire, in the activity, in a list.
    pub code: &'static str,
    /// Its HTTP status, where it comes with one.
    pub status: Option<u16>,
    /// What it means, in a sentence.
    pub means: &'static str,
}

const fn code(code: &'static str, status: u16, means: &'static str) -> Code {
    Code { code, status: Some(status), means }
}

const fn word(code: &'static str, means: &'static str) -> Code {
    Code { code, status: None, means }
}

/// Of the control API: `code` of a problem.
pub(crate) const PROBLEMS: &[Code] = &[
    code("unauthorized", 401, "There is no usable operator's token."),
    code("forbidden", 403, "The token lacks the scope that is named."),
    code("not_found", 404, "There is no such thing, or not for this operator."),
    code("method_not_allowed", 405, "This path does not take that method."),
    code("invalid_request", 400, "The body or a parameter does not have its form."),
    code("invalid_field", 400, "A value cannot be used; `field` says which, and `part` which part of a URL."),
    code("taken", 409, "A name that has to be unique is somebody else's."),
    code("already_enabled", 409, "The direction is on already; nothing was changed."),
    code("not_enabled", 409, "The direction is off."),
    code("already_running", 409, "A backfill is running or paused."),
    code("stale", 412, "What was shown has changed since; look again. 409 where it is a downstream's record."),
    code("realm_refused", 422, "Keycloak does not let us set the realm up."),
    code("unavailable", 503, "A server behind us does not answer; try again."),
    code("internal", 500, "A fault of ours; the log has it under the same trace."),
];

/// Of a downstream that failed its probe, in the same place.
pub(crate) const PROBES: &[Code] = &[
    code("downstream_unauthorized", 422, "It refuses the token."),
    code("downstream_not_found", 422, "It has nothing at that URL."),
    code("downstream_not_scim", 422, "It answers, but not with SCIM, or with 429 or a 5xx."),
    code("downstream_tls", 422, "Its certificate is not trusted, or no secure connection comes about."),
    code("downstream_timeout", 422, "It does not answer in time."),
    code("downstream_unreachable", 422, "Nothing can be reached at that host and port."),
    code("address_blocked", 422, "The host is at an address we do not call."),
];

/// Why an identity provider's credentials were refused: `class` of the activity, label of the metric. The wire says 401.
pub(crate) const REFUSALS: &[Code] = &[
    word("unusable", "There is no Authorization header, several, or another scheme than Bearer."),
    word("no_bearer", "The word Bearer is missing before the token."),
    word("doubled_bearer", "The word Bearer stands there twice."),
    word("malformed", "It is no token of ours, or part of it is missing."),
    word("unknown", "It has the form of a token of ours, and we never made it."),
    word("rotated", "It was replaced."),
    word("expired", "It is older than the tenant allows."),
    word("disabled", "Inbound SCIM is off."),
    word("elsewhere", "It belongs to another host or realm."),
];

/// Why a change is parked: `reason` in lists of parked users.
pub(crate) const PARKED: &[Code] = &[
    word("conflict", "The downstream has a record of that name which is not ours."),
    word("rejected", "The downstream refuses what we send."),
    word("unconfirmed create", "A create got no answer, and there is no telling whether it was done."),
    word("mass deactivation", "It is one of a mass of deactivations, which the tenant chose to have held."),
    word("ignored", "Somebody chose to leave it so."),
];

/// What capture noted about a realm: `class` of the activity.
pub(crate) const NOTES: &[Code] = &[
    word("foreign_realm", "Another realm answers under the tenant's name."),
    word("events_off", "The realm does not store its events."),
    word("events_cleared", "The realm's events were cleared."),
    word("role_lost", "The realm role was deleted or made anew; whoever had it gets it back."),
    word("released", "The realm role was taken from a user."),
    word("switched_on", "Somebody else switched a user on whom SCIM had switched off within a day."),
    word("absences_held", "More users or groups are missing than were deleted."),
];

/// `scimType` of the SCIM interface's errors (RFC 7644 section 3.12, RFC 9865).
pub(crate) const SCIM: &[Code] = &[
    code("invalidFilter", 400, "The filter does not parse, or names what is not there."),
    code("tooMany", 400, "There are more operations or results than are allowed."),
    code("uniqueness", 409, "Another resource has this value."),
    code("mutability", 400, "The attribute cannot be changed."),
    code("invalidSyntax", 400, "The body does not have the form of the request."),
    code("invalidPath", 400, "The path does not parse, or names what is not there."),
    code("noTarget", 400, "The path matches nothing."),
    code("invalidValue", 400, "A value is missing or of the wrong type."),
    code("invalidVers", 400, "This version of the protocol is not spoken here."),
    code("sensitive", 403, "This must not stand in a URL; use POST `/.search`."),
    code("invalidCursor", 400, "The cursor is not of this query."),
    code("expiredCursor", 400, "The cursor is too old; begin anew."),
    code("invalidCount", 400, "The count is not the one the walk began with."),
];

const GROUPS: &[(&str, &str, &[Code])] = &[
    ("The control API", "Errors are `application/problem+json`; `code` is stable, the text is not.", PROBLEMS),
    (
        "A downstream that fails its probe",
        "The same, with `probe` beside it: URL, status, content type, milliseconds.",
        PROBES,
    ),
    (
        "Refused credentials of an identity provider",
        "The wire says 401 and no more. These stand in the activity and in `kevra_scim_inbound_auth_failures_total`.",
        REFUSALS,
    ),
    ("Parked users", "The `reason` in `kevra-scim parked ls` and in the console.", PARKED),
    ("Notes about a realm", "The `class` in the activity and in `kevra_scim_realm_notes_total`.", NOTES),
    (
        "The SCIM interface",
        "Errors are `application/scim+json`; `scimType` where the standard names one. Without it: 401 credentials, 403
not allowed by the tenant's settings, 404 no such resource, 412 another version, 413 too large, 429 too many
requests (`Retry-After`), 501 not supported, 503 try again (`Retry-After`).",
        SCIM,
    ),
];

/// The page of the documentation.
pub fn page() -> String {
    let mut page =
        "# Error codes\n\nGenerated: `kevra-scim reference errors`. What to do about the ones a person has to \
                    deal with: [troubleshooting](../operate/troubleshooting.md).\n"
            .to_owned();
    for (title, about, codes) in GROUPS {
        let has_status = codes.iter().any(|code| code.status.is_some());
        let (head, rule) =
            if has_status { ("| Code | Status | Means |", "|---|---|---|") } else { ("| Code | Means |", "|---|---|") };
        let _ = write!(page, "\n## {title}\n\n{about}\n\n{head}\n{rule}\n");
        for Code { code, status, means } in *codes {
            let status = status.map(|status| format!(" {status} |")).unwrap_or_default();
            let _ = writeln!(page, "| `{code}` |{status} {means} |");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use downstream::{ProbeCode, ProbeFailure};
    use serde_json::json;

    use super::*;
    use crate::Problem;

    fn listed(codes: &[Code]) -> Vec<(&'static str, Option<u16>)> {
        codes.iter().map(|code| (code.code, code.status)).collect()
    }

    #[test]
    fn every_problem_is_listed_with_its_status() {
        let text = String::new;
        let field = Problem::Field { field: "slug", reason: text() };
        let problems = [
            Problem::Unauthorized,
            Problem::Forbidden(""),
            Problem::NotFound(""),
            Problem::MethodNotAllowed,
            Problem::Invalid(text()),
            field,
            Problem::Taken(""),
            Problem::AlreadyEnabled,
            Problem::NotEnabled,
            Problem::AlreadyRunning,
            Problem::Stale,
            Problem::Realm(text()),
            Problem::Unavailable,
            Problem::Internal,
        ];
        let said: Vec<_> =
            problems.iter().map(|problem| (problem.code(), Some(problem.status_code().as_u16()))).collect();
        assert_eq!(said, listed(PROBLEMS));
    }

    #[test]
    fn a_url_that_is_refused_names_its_field_and_its_part_and_nothing_else() {
        let guard = downstream::Guard { ports: vec![443, 9443], ..downstream::Guard::default() };
        let refused = |url: &str| {
            let fault = downstream::BaseUrl::parse(url, &guard).unwrap_err();
            serde_json::to_value(Problem::BaseUrl(fault).body()).unwrap()
        };
        for (url, part) in [
            ("https://app.example.com:8443/scim", "port"),
            ("http://app.example.com/scim", "scheme"),
            ("https://exa_mple.com/scim", "host"),
            ("https://10.0.0.1/scim", "ip"),
            ("https://app.example.com/scim/Users", "endpoint"),
        ] {
            let body = refused(url);
            assert_eq!((body["code"].as_str(), body["field"].as_str()), (Some("invalid_field"), Some("base_url")));
            assert_eq!(body["part"], part, "{url}");
            assert!(!body.to_string().contains("9443"), "which ports there are is not said: {body}");
        }
    }

    #[test]
    fn every_outcome_of_a_probe_is_listed() {
        let codes = [
            ProbeCode::Unauthorized,
            ProbeCode::NotFound,
            ProbeCode::NotScim,
            ProbeCode::Tls,
            ProbeCode::Timeout,
            ProbeCode::Unreachable,
            ProbeCode::AddressBlocked,
        ];
        let said = codes.map(|code| {
            let url = String::new();
            let problem = Problem::Probe(ProbeFailure { code, url, status: None, content_type: None, elapsed_ms: 1 });
            (problem.code(), Some(problem.status_code().as_u16()))
        });
        assert_eq!(said.to_vec(), listed(PROBES));
        for class in
            ["unauthorized", "not_found", "tls", "timeout", "ambiguous", "unreachable", "address_blocked", "failed"]
        {
            let code = Problem::Downstream { class, status: None }.code();
            assert!(PROBES.iter().any(|listed| listed.code == code), "{class}: {code}");
        }
    }

    #[test]
    fn how_long_a_probe_took_is_told_of_what_was_asked_only() {
        let told = |code| {
            let url = "https://a.example/scim/v2/ServiceProviderConfig".to_owned();
            let failure = ProbeFailure { code, url, status: None, content_type: None, elapsed_ms: 212 };
            json!(Problem::Probe(failure).body())["probe"].clone()
        };
        let asked = told(ProbeCode::Unreachable);
        assert_eq!(asked["elapsed_ms"], 212);
        let blocked = told(ProbeCode::AddressBlocked);
        assert_eq!(blocked.get("elapsed_ms"), None, "{blocked}");
        assert_eq!(blocked["url"], asked["url"], "what was typed: it goes into the command to re-test with");
    }

    #[test]
    fn no_code_is_listed_twice_in_its_group() {
        for (title, _, codes) in GROUPS {
            let mut names: Vec<_> = codes.iter().map(|code| code.code).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), codes.len(), "{title}");
        }
    }
}
