# Everything on this machine, thrown away on exit.
demo *options:
    scripts/demo {{options}}

# Every check and test.
test *options:
    scripts/test {{options}}
