# Everything on this machine, thrown away on exit.
demo *options:
    scripts/demo {{options}}

# The console, if anything it is made of is newer.
console:
    console/scripts/bundle

# Every check and test.
test *options:
    scripts/test {{options}}
