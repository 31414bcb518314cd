//! That there is a TLS library, and how the shared library is linked: its name for the loader, and
//! that it is never unloaded.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let on = |feature: &str| std::env::var_os(format!("CARGO_FEATURE_TLS_{feature}")).is_some();
    if !(on("NATIVE") || on("RUSTLS")) {
        println!("cargo::error=roamio needs one of its features tls-native and tls-rustls");
    }
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(target.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd") {
        // It follows breaks of the ABI, as ROAM_ABI_VERSION does from 1.0 on.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libroamio.so.0");
        // Threads of the library may still be ending when a host unloads it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
