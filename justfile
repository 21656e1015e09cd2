# Everything on this machine, thrown away on exit.
demo *options:
    scripts/demo {{options}}

# The console, if anything it is made of is newer.
console:
    console/scripts/bundle

# Every check and test.
test *options:
    scripts/test {{options}}

# What it costs, beside floors and peers: bench/README.md names the suites.
bench suite *options:
    scripts/bench {{suite}} {{options}}

# Breaks everything on real parts, 1,000 faults unless told otherwise: just chaos [faults [seed]].
chaos *options:
    scripts/chaos {{options}}

# 2,000 random edits from both sides while everything is killed: directory, realm and downstream agree afterwards.
converge edits="2000":
    KEVRA_TEST_EDITS={{edits}} scripts/with-servers cargo test --package kevra-scim --test capture -- --nocapture convergence

# The tests of the realm and of capture on the oldest Keycloak supported.
test-oldest-keycloak:
    scripts/test-keycloak 26.4.0

# Checks of deployment and documentation alone.
validate:
    scripts/validate

# Binaries, software bills of materials and checksums of this version, in target/release-VERSION.
release *target:
    scripts/release {{target}}
