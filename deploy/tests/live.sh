#!/usr/bin/env bash
# Asks a running program what no file can say: whether promtool finds its metrics well made, whether the control API keeps to
# its OpenAPI document whatever it is sent, and whether a person sees what the quick start shows. Starts the demo on free ports
# and ends it.
#
# Usage: live.sh metrics|contract|transcript
set -euo pipefail
cd "$(dirname "$0")/../.."

what=$1
program=${CARGO_TARGET_DIR:-target}/debug/kevra-scim
[ -x "$program" ] || cargo build --quiet --package kevra-scim
work=$(mktemp -d "${TMPDIR:-/tmp}/kevra-live.XXXXXX")
command=("$program" demo --play --port 0 --data "$work" --ready-file "$work/ready.json")
# A person has a terminal.
if [ "$what" = transcript ]; then
    script --quiet --flush --return --command "exec ${command[*]@Q}" "$work/log" </dev/null >/dev/null 2>&1 &
else
    "${command[@]}" >"$work/log" 2>&1 &
fi
demo=$!
finish() {
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
deadline=$((SECONDS + 60))
# Played to its end, so that everything has been counted once.
until [ -s "$work/ready.json" ] && grep -q PATCH "$work/log"; do
    if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$demo" 2>/dev/null; then
        echo "the demo did not get there:"
        cat "$work/log"
        exit 1
    fi
    sleep 0.2
done
fact() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/ready.json" "$1"; }

# What tools leave behind is left there.
root=$PWD
case $what in
metrics)
    python3 - "$(fact ops_url)/metrics" >"$work/metrics" <<'PYTHON'
import sys, urllib.request
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode(), end="")
PYTHON
    grep -q '^kevra_scim_outbound_lag_seconds_count' "$work/metrics"
    promtool check metrics <"$work/metrics"
    ;;
transcript)
    until grep -q 'holds what the realm holds' "$work/log"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "the player does not come to its end"
            break
        fi
        sleep 0.2
    done
    # Ports and times are of the moment.
    masked() { sed -E 's/:[0-9]+\//:PORT\//; s/[0-9]+ ms$/N ms/'; }
    # shellcheck disable=SC2016 # the fences of Markdown
    sed -n '/^```text$/,/^```$/p' docs/quick-start.md | sed '1d;$d;/^$/d' | masked >"$work/shown"
    [ -s "$work/shown" ]
    # The compare after the enable may meet a change on its way, and has the person looked at once more (K24).
    tr -d '\r' <"$work/log" | grep -E '^  (in|out|inbound|outbound) ' | grep -vE '^  out  GET +/Users/\{id\}' | masked >"$work/printed"
    diff "$work/shown" "$work/printed"
    ;;
contract)
    cd "$work"
    no_proxy=127.0.0.1 schemathesis --config-file "$root/deploy/tests/schemathesis.toml" run "$root/docs/openapi.json" \
        --url "$(fact control_url)" --header "Authorization: Bearer $(fact operator_token)"
    ;;
*)
    echo "usage: live.sh metrics|contract|transcript" >&2
    exit 64
    ;;
esac
