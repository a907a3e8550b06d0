//! The one client that opens addresses written by others.
