use super::guard::{boundary, give};
use super::types::roam_str;

/// A text that was made for you. Any thread, one at a time.
pub struct roam_string {
    text: String,
}

impl roam_string {
    /// A text for the host.
    pub(super) fn give(text: String) -> *mut Self {
        give(Self { text })
    }
}

/// ---- Functions: texts of your own ----------------------------------------------------------
///
/// What it says, for as long as you keep it; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_string_view(string: *const roam_string) -> roam_str {
    // SAFETY: NULL or a pointer that came from `give` and was not freed, as the host promises.
    unsafe { string.as_ref() }.map_or(roam_str::EMPTY, |string| roam_str::of(&string.text))
}

/// Free a text. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn roam_string_free(string: *mut roam_string) {
    if !string.is_null() {
        // SAFETY: the pointer came from `give`, and the host frees it once.
        boundary((), || drop(unsafe { Box::from_raw(string) }));
    }
}
