//! Further attributes of people of the embedded realm: a JSON object, name to text.

crate::table!(
    "m0057_realm_person_attributes",
    r"
alter table realm_person add column attributes text;
"
);
