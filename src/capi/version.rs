use super::guard;
use super::types::roam_str;

/// ---- Version -------------------------------------------------------------------------------
///
/// First part of the version.
pub const ROAM_VERSION_MAJOR: u32 = 0;
/// Second part of the version.
pub const ROAM_VERSION_MINOR: u32 = 1;
/// Third part of the version.
pub const ROAM_VERSION_PATCH: u32 = 0;
/// All parts in one number, two decimal digits each for minor and patch: 10203 is 1.2.3.
pub const ROAM_VERSION_NUMBER: u32 = 100;
/// Changes only when a program must be built anew to run with the library.
pub const ROAM_ABI_VERSION: u32 = 1;

/// ---- Functions: version --------------------------------------------------------------------
///
/// The version of the library that runs, as text. Static.
#[unsafe(no_mangle)]
pub extern "C" fn roam_version() -> roam_str {
    roam_str::of(env!("CARGO_PKG_VERSION"))
}

/// The ABI of the library that runs; compare it with ROAM_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn roam_abi_version() -> u32 {
    guard::boundary(0, || ROAM_ABI_VERSION)
}
