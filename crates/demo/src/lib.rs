//! Parts of the demo, also used by tests: a small real downstream application, a player of Okta's request sequence, and a
//! token issuer for the console. The program has them by its feature `demo`, which the image is built without.

pub mod issuer;
pub mod okta;
pub mod sample_app;
