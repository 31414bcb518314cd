//! Reads the built library and writes the code of one language: `roamio-bindgen generate`.

fn main() {
    uniffi::uniffi_bindgen_main();
}
