# Everything on this machine, thrown away on exit.
demo *options:
    scripts/demo {{options}}

# Every check and test.
test *options:
    scripts/test {{options}}

# 2,000 random edits from both sides while everything is killed: directory, realm and downstream agree afterwards.
converge edits="2000":
    KEVRA_TEST_EDITS={{edits}} scripts/with-servers cargo test --package kevra-scim --test capture -- --nocapture convergence

# The tests of the realm and of capture on the oldest Keycloak supported.
test-oldest-keycloak:
    scripts/test-keycloak 26.4.0
