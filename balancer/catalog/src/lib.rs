//! The catalog as a state machine.
