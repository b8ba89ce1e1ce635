//! The control plane: catalog, placements, admin API.
