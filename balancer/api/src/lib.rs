//! What the balancer offers to gateways and nodes.
