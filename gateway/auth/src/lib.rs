//! Sign-in and permission, as pure state.
