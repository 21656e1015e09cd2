//! The protocol proven without servers: exhaustive exploration of small worlds, random seeds of larger ones, and for
//! every rule a control that switches it off and must be caught. The ledger's transitions, the plan, the verdict and the
//! way the directory follows are the real code; what surrounds them is a model of it.
#![expect(clippy::panic, reason = "a test that cannot go on fails here")]

/// Negative controls of a model: each rule switched off must be missed, as the model's own `fails` says.
macro_rules! controls {
    ($($name:ident: $rule:ident $(, $how:expr)*;)*) => {
        $(
            #[test]
            fn $name() {
                fails(Rule::$rule $(, $how)*);
            }
        )*
    };
}

mod capture;
mod checks;
mod controls;
mod downstream;
mod explore;
mod faults;
mod gone;
mod groups;
mod membership;
mod outside;
mod realm;
mod rules;
mod saga;
mod seeds;
mod send;
mod small;
mod worker;
mod world;
