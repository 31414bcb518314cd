//! Reads the library with the bridge and writes how a language calls it (`make bindings`). It is part
//! of this package so that what one writes the other understands: both have the same uniffi.

fn main() {
    uniffi::uniffi_bindgen_main();
}
