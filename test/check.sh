#!/usr/bin/env bash
# Runs every check of the project, goes on after one that fails, and says at the end what ran and how it went: `make test`.
#
# With TANDEM_TEST_STRICT=1 a server or program that cannot be had is a failure, not a skipped test. What each check printed stays in .cache/check/.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
logs=.cache/check
rm -rf $logs
mkdir -p $logs
rows=()
status=0

# record NAME EXIT SECONDS NOTE adds a row to the summary.
record() {
  local verdict=passed
  [ "$2" -eq 0 ] || { verdict=FAILED; status=1; }
  rows+=("$(printf '  %-7s %-6s %5ds  %s' "$1" "$verdict" "$3" "$4")")
}

# check NAME NOTE runs make NAME and shows what it printed if it fails.
check() {
  local name=$1 note=$2 start=$SECONDS code=0
  echo "== $name: $note"
  make --no-print-directory "$name" >"$logs/$name.log" 2>&1 </dev/null || code=$?
  [ $code -eq 0 ] || tail -n 120 "$logs/$name.log"
  record "$name" $code $((SECONDS - start)) "$note"
}

# failures prints what the packages that failed have printed, less the lines about tests that passed.
failures() {
  awk '
    /^=== (RUN|PAUSE|CONT|NAME)/ || /^ *--- PASS/ { next }
    /^(ok|\?)[ \t]/ { text = ""; next }
    { text = text $0 "\n" }
    /^FAIL[ \t]/ { printf "%s", text; text = "" }
    END { printf "%s", text }
  ' "$1" | tail -n 600
}

# tests runs make race: package lines as they come, the failures, and a count for the summary.
tests() {
  local start=$SECONDS code=0 log=$logs/race.log passed failed skipped
  echo "== race: all tests with the race detector"
  make --no-print-directory race 2>&1 </dev/null | tee "$log" | grep --line-buffered -E '^(ok|FAIL|panic:|WARNING: DATA RACE)'
  code=${PIPESTATUS[0]}
  [ "$code" -eq 0 ] || failures "$log"
  passed=$(grep -c -E '^ *--- PASS' "$log")
  failed=$(grep -c -E '^ *--- FAIL' "$log")
  # What has a command of its own because it takes minutes (make mutate, make nightly) is no part of this run.
  skipped=$(awk '/^ *--- SKIP/ && last !~ /takes minutes: make / { n++ } { last = $0 } END { print n + 0 }' "$log")
  if [ "$skipped" -gt 0 ]; then
    echo "skipped, and why:"
    grep -E -B 1 '^ *--- SKIP' "$log" | grep -v '^--$' | head -n 100
    if [ "${TANDEM_TEST_STRICT:-}" = 1 ]; then # a check that silently did not run is no check
      echo "in strict mode nothing may be skipped"
      code=1
    fi
  fi
  record race "$code" $((SECONDS - start)) "$passed passed, $failed failed, $skipped skipped"
}

check setup "servers, browser, SIP tools, Asterisk, npm packages"
check lint "formatting, static analysis, shell scripts"
check tidy "go.mod and go.sum say what the code needs"
check vet "compiles everything, the usual mistakes"
check once "each benchmark once"
tests

# Last come the lines of go test itself, one per test and package, for whoever counts them.
echo "== tests"
grep -E '^(--- |ok|FAIL|PASS$)' $logs/race.log
echo "== summary"
printf '%s\n' "${rows[@]}"
grep -c -E '^Benchmark' $logs/once.log | sed 's/^/  benchmarks run: /'
exit $status
