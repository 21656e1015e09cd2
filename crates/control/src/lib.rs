//! The control API role: tenants, tokens, targets, for the console and operators.
