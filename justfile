# Everything on this machine, thrown away on exit.
demo *options:
    scripts/demo {{options}}

# Every check and test.
test *options:
    scripts/test {{options}}

# What it costs, beside floors and peers: bench/README.md names the suites.
bench suite *options:
    scripts/bench {{suite}} {{options}}

# Breaks everything on real parts, 1,000 faults unless told otherwise: just chaos [faults [seed]].
chaos *options:
    scripts/chaos {{options}}
