//! Addresses that providers call: what they say is checked by their signature, and then is a hint only.

pub(crate) mod kling;
