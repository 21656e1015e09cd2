//! Entity tags (RFC 7644 §3.14): what `meta.version` and the `ETag` header say, and what a client's `If-Match` and
//! `If-None-Match` name.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::Object;

/// The weak entity tag of a document at a version. A user's `groups` change while the version of the user does not: they are
/// part of the tag, so that what a client keeps is never taken for fresh when they have changed (RFC 9110 §8.8.3).
pub fn of(version: i64, document: &Object) -> String {
    match document.get("groups") {
        None => format!("W/\"{version}\""),
        Some(groups) => {
            let mut hasher = DefaultHasher::new();
            groups.to_string().hash(&mut hasher);
            format!("W/\"{version}-{:x}\"", hasher.finish())
        }
    }
}

/// Whether a list of entity tags names this one. Ours are weak; a client may send them as strong.
pub fn names(tags: &str, etag: &str) -> bool {
    let ours = tag(etag);
    listed(tags).any(|tag| tag == Tag::Any || Some(tag) == ours)
}

/// Whether a list of entity tags names this version, whatever the `groups` were.
pub fn names_version(tags: &str, version: i64) -> bool {
    let version = version.to_string();
    listed(tags).any(|tag| match tag {
        Tag::Any => true,
        Tag::One(tag) => tag.split_once('-').map_or(tag, |(version, _)| version) == version,
    })
}

/// One of a list: the star stands for whatever there is, but in quotes it is a tag like any other (RFC 9110 §13.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag<'t> {
    Any,
    One(&'t str),
}

/// A comma inside quotes is part of a tag. What has no tag's form names nothing.
fn listed(tags: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut quoted = false;
    let between = move |letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    };
    tags.split(between).filter_map(tag)
}

/// A tag without its quotes, which some clients leave out.
fn tag(text: &str) -> Option<Tag<'_>> {
    let text = text.trim();
    if text == "*" {
        return Some(Tag::Any);
    }
    let text = text.strip_prefix("W/").unwrap_or(text);
    let opaque = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    (!opaque.contains('"')).then_some(Tag::One(opaque))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tag(version: i64, document: &Value) -> String {
        of(version, document.as_object().unwrap())
    }

    #[test]
    fn a_tag_changes_with_the_version_and_with_the_groups_of_a_user() {
        let alone = tag(3, &json!({ "userName": "ada" }));
        assert_eq!(alone, "W/\"3\"");
        let in_one = tag(3, &json!({ "userName": "ada", "groups": [{ "value": "g1", "display": "Crew" }] }));
        let renamed = tag(3, &json!({ "userName": "ada", "groups": [{ "value": "g1", "display": "Team" }] }));
        assert!(alone != in_one && in_one != renamed);
        assert!(names(&in_one, &in_one) && !names(&alone, &in_one) && !names(&in_one, &renamed));
    }

    #[test]
    fn a_list_of_tags_weak_or_strong_or_a_star_names_a_version() {
        let in_one = tag(3, &json!({ "groups": [{ "value": "g1" }] }));
        for tags in ["*", "W/\"3\"", "\"3\"", "W/\"1\", W/\"3\"", &in_one] {
            assert!(names_version(tags, 3), "{tags}");
            assert!(tags == "*" || !names_version(tags, 30), "{tags}");
        }
    }

    #[test]
    fn a_star_in_quotes_and_a_comma_in_quotes_are_of_an_ordinary_tag() {
        let alone = tag(3, &json!({}));
        for tags in ["\"*\"", "W/\"*\"", "\"1,3\"", "\"3", "3\"", "\"3\"x", "\u{fffd}", "\"\u{fffd}\"", ""] {
            assert!(!names(tags, &alone) && !names_version(tags, 3), "{tags}");
        }
        for tags in [" * ", "\"1,2\", W/\"3\"", "\"\u{fffd}\",\"3\"", "3"] {
            assert!(names(tags, &alone) && names_version(tags, 3), "{tags}");
        }
    }
}
