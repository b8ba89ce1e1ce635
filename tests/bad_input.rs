//! Bad input of every kind has a bounded answer: an error that Kafka's clients know, or the end of the connection.
//! Nothing hangs, and the server serves on.

mod connections;
mod requests;
mod sign_in;
