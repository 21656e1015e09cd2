//! Comparison keys: values that compare without regard to letter case (RFC 7643 §2.2, RFC 7613).

use unicode_normalization::UnicodeNormalization;

/// The key under which a `userName` or `displayName` is unique: NFKC, lower case. PRECIS' practical minimum.
pub fn username_key(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).nfkc().collect()
}
