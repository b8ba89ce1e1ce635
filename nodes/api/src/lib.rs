//! What gateways and nodes say to each other.
