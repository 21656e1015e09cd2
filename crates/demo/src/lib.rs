//! Demo parts: sample downstream app, identity provider player, token issuer.
