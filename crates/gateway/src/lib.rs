//! The SCIM gateway role: identity providers in, realm and directory out.
