#!/usr/bin/env bash
# Every check and test of the console. Ends with one line: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
rm -rf .reports
# shellcheck source=scripts/node
source ../scripts/node
use_node || exit

passed=0
failed=0

# One check, counted as one.
run() {
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# A suite, counted by its report; a suite that left no report has failed as one.
suite() {
  local report=$1 counts
  shift
  "$@"
  if counts=$(node scripts/count.mjs "$report"); then
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
  else
    failed=$((failed + 1))
  fi
}

# Built anew, whatever is there: the build checks the API's types and all of the sources', once.
rm -rf dist
scripts/bundle || { echo "0 passed, 1 failed"; exit 1; }
passed=$((passed + 1))
run npx biome check .
suite .reports/unit.json npx vitest run --reporter=default --reporter=json --outputFile.json=.reports/unit.json
run npm run -s size
suite .reports/e2e.json npx playwright test
suite .reports/real.json npx playwright test --config playwright.real.config.ts

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
