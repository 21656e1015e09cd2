//! Comparison keys: values that compare without regard to letter case (RFC 7643 §2.2, RFC 7644 §5).
//!
//! The preparation is that of PRECIS' `UsernameCaseMapped` (RFC 8265 §3.3): width mapping, case mapping, NFC. Not NFKC:
//! it would make `²` and `2`, or a ligature and its letters, one username. What PRECIS forbids in a username is not
//! refused here; that is for the realm to say.

use unicode_normalization::UnicodeNormalization;

/// The key under which a `userName` or `displayName` is unique.
pub fn username_key(text: &str) -> String {
    case_key(text)
}

/// The key under which a group's `displayName` is unique.
pub fn display_name_key(text: &str) -> String {
    case_key(text)
}

/// The key by which attributes that are not `caseExact` compare.
pub fn case_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Order: a lower-case letter may compose differently from its capital, hence NFC last.
    text.chars().map(narrow).flat_map(char::to_lowercase).map(sigma).nfc().collect()
}

/// A final sigma is the same letter; `toLowerCase` chooses between them by position, which would break prefixes.
fn sigma(letter: char) -> char {
    if letter == 'ς' { 'σ' } else { letter }
}

/// Full-width and half-width forms as their ordinary characters (RFC 8264 §5.2.1, the `<wide>` and `<narrow>`
/// mappings).
fn narrow(letter: char) -> char {
    let code = u32::from(letter);
    let mapped = match code {
        0x3000 => 0x20,
        0xFF01..=0xFF5E => code - 0xFEE0,
        0xFF5F..=0xFF60 => code - 0xFF5F + 0x2985,
        0xFF61..=0xFF9F => return KATAKANA.get((code - 0xFF61) as usize).copied().unwrap_or(letter),
        0xFFA0 => 0x3164,
        0xFFA1..=0xFFBE => code - 0xFFA1 + 0x3131,
        0xFFC2..=0xFFC7 => code - 0xFFC2 + 0x314F,
        0xFFCA..=0xFFCF => code - 0xFFCA + 0x3155,
        0xFFD2..=0xFFD7 => code - 0xFFD2 + 0x315B,
        0xFFDA..=0xFFDC => code - 0xFFDA + 0x3161,
        0xFFE0 => 0xA2,
        0xFFE1 => 0xA3,
        0xFFE2 => 0xAC,
        0xFFE3 => 0xAF,
        0xFFE4 => 0xA6,
        0xFFE5 => 0xA5,
        0xFFE6 => 0x20A9,
        0xFFE8 => 0x2502,
        0xFFE9..=0xFFEC => code - 0xFFE9 + 0x2190,
        0xFFED => 0x25A0,
        0xFFEE => 0x25CB,
        _ => return letter,
    };
    char::from_u32(mapped).unwrap_or(letter)
}

/// The ordinary forms of U+FF61 to U+FF9F.
const KATAKANA: [char; 63] = [
    '。', '「', '」', '、', '・', 'ヲ', 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ャ', 'ュ', 'ョ', 'ッ', 'ー', 'ア', 'イ', 'ウ',
    'エ', 'オ', 'カ', 'キ', 'ク', 'ケ', 'コ', 'サ', 'シ', 'ス', 'セ', 'ソ', 'タ', 'チ', 'ツ', 'テ', 'ト', 'ナ', 'ニ',
    'ヌ', 'ネ', 'ノ', 'ハ', 'ヒ', 'フ', 'ヘ', 'ホ', 'マ', 'ミ', 'ム', 'メ', 'モ', 'ヤ', 'ユ', 'ヨ', 'ラ', 'リ', 'ル',
    'レ', 'ロ', 'ワ', 'ン', '\u{3099}', '\u{309A}',
];
