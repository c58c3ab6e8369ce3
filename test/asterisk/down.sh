#!/usr/bin/env bash
# Ends the Asterisk that up.sh started in DIR and removes DIR; --keep leaves it, with its logs and recordings.
#
#   down.sh [--keep] DIR
set -euo pipefail

keep=''
if [ "${1:-}" = --keep ]; then
  keep=1
  shift
fi
[ $# -eq 1 ] || { echo "usage: down.sh [--keep] DIR" >&2; exit 2; }
dir=$(readlink -f "$1")
[ -f "$dir/etc/asterisk.conf" ] || { echo "down.sh: up.sh started no Asterisk in $1" >&2; exit 1; }
pid=$(cat "$dir/pid" 2>/dev/null || true)

# ours: the process still is the one that runs with this directory's configuration; a process id may have been given to another since.
ours() { [ -n "$pid" ] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -q -x -F -- "$dir/etc/asterisk.conf"; }

if ours; then
  kill -TERM "$pid"
  for _ in $(seq 60); do
    ours || break
    sleep 0.1
  done
  if ours; then kill -KILL "$pid"; fi
fi
[ -n "$keep" ] || rm -rf "$dir"
