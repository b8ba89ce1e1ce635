//! The front: TLS, sign-in, admission, routing.
