//! What a host tells about its network and itself, the same for managers and conferences.

/// The hints of an object with a client object in `inner`.
macro_rules! hints {
    ($object:ident) => {
        #[uniffi::export]
        impl $object {
            /// A network is there (again): do not wait for the next attempt. This and the other hints
            /// are harmless when wrong.
            pub fn network_available(&self) -> Result<(), RoamioError> {
                Ok(self.inner.network_available()?)
            }

            /// There is no network: attempts become rare, the connection is kept.
            pub fn network_lost(&self) -> Result<(), RoamioError> {
                Ok(self.inner.network_lost()?)
            }

            /// The device moved to another network: go there now.
            pub fn network_changed(&self) -> Result<(), RoamioError> {
                Ok(self.inner.network_changed()?)
            }

            /// The application is about to be suspended: no timer, nothing sent until `resumed` or any
            /// other call.
            pub fn suspended(&self) -> Result<(), RoamioError> {
                Ok(self.inner.suspended()?)
            }

            /// The application runs again: find out at once whether the connection has survived.
            pub fn resumed(&self) -> Result<(), RoamioError> {
                Ok(self.inner.resumed()?)
            }
        }
    };
}
pub(super) use hints;
