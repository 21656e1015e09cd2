//! Who is protected, found without looking at everybody: each answer that shows members leaves them out.

crate::table!(
    "m0062_directory_protected_index",
    r"
create index directory_user_protected on directory_user (tenant_id, id) where protected;
"
);
