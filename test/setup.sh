#!/usr/bin/env bash
# Installs what Tandem's tests need besides Go: servers, a browser, SIP tools (apt), an Asterisk (a cache directory), npm packages (test/js).
#
# It may be run any number of times and installs only what is missing. As root, or with sudo that asks no password, it calls apt-get itself; anyone
# else is told the command. What it could not install it says at the end; with TANDEM_TEST_STRICT=1 that is a failure, otherwise the tests concerned
# will skip.
set -uo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
here=$(dirname "$(readlink -f "$0")")
lacking=()

say() { echo "setup.sh: $*"; }

# as_root COMMAND... runs it as root, or says that it cannot.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@" </dev/null
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n --preserve-env=DEBIAN_FRONTEND "$@" </dev/null
  else
    return 1
  fi
}

# want PACKAGE PROGRAM... adds the package to the array wanted when none of the programs is there. A program may be a pattern of paths.
wanted=()
want() {
  local package=$1 program
  shift
  for program in "$@"; do
    if command -v "$program" >/dev/null || compgen -G "$program" >/dev/null; then return; fi
  done
  wanted+=("$package")
}

# quiet COMMAND... shows what the command printed only when it fails.
quiet() {
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

want gcc gcc # the race detector links with it
want libc6-dev /usr/include/stdio.h
want make make
want git git
want postgresql '/usr/lib/postgresql/*/bin/initdb' initdb
want redis-server redis-server
want chromium chromium chromium-browser google-chrome
want sip-tester sipp
want baresip-core baresip
want nodejs node
want npm npm
want shellcheck shellcheck

if [ ${#wanted[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    lacking+=("${wanted[*]} (no apt-get here; install their like)")
  elif ! as_root true; then
    lacking+=("${wanted[*]} (sudo apt-get install -y --no-install-recommends ${wanted[*]})")
  else
    say "apt-get install ${wanted[*]}"
    # The tests start their own servers; those that come with the packages would only be in the way.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
      as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy" && trap 'as_root rm -f $policy' EXIT
    fi
    install=(apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300)
    quiet as_root apt-get update -o DPkg::Lock::Timeout=300 || say "apt-get update failed; trying with the lists there are"
    if ! quiet as_root "${install[@]}" "${wanted[@]}"; then
      for package in "${wanted[@]}"; do # one that cannot be had must not cost the others
        quiet as_root "${install[@]}" "$package" || lacking+=("$package")
      done
    fi
  fi
fi

if ! quiet "$here/asterisk/install.sh"; then
  lacking+=("Asterisk (test/asterisk/install.sh)")
fi

# npm ci empties node_modules first, so it runs only when the lock file is another one than last time.
stamp=$here/js/node_modules/.tandem-lock
if ! cmp -s "$here/js/package-lock.json" "$stamp"; then
  if quiet npm ci --prefix "$here/js" </dev/null && cp "$here/js/package-lock.json" "$stamp"; then
    say "npm ci in test/js"
  else
    lacking+=("npm packages (npm ci --prefix test/js)")
  fi
fi

if [ ${#lacking[@]} -eq 0 ]; then
  say "everything is there"
  exit 0
fi
for thing in "${lacking[@]}"; do say "could not install: $thing"; done
if [ "${TANDEM_TEST_STRICT:-}" = 1 ]; then exit 1; fi
