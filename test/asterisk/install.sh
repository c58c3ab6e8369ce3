#!/usr/bin/env bash
# Makes a real Asterisk 22 runnable without installing it: prints the path of a directory tree that holds it.
#
#   install.sh          builds the tree when it is not there yet (some 80 MB of packages, a quarter of a minute)
#   install.sh --find   only looks; exit status 3 when it is not there
#
# Debian's stable release carries no Asterisk, its development suites do. The packages are taken from there, over the mirror that this machine's apt
# uses, with apt's signature and hash checks, but into a private apt state: the system's packages, its dpkg database and its sources stay untouched,
# and root is not needed. The tree brings its own C library and dynamic loader, so the system's versions do not matter.
#
# Where: TANDEM_ASTERISK_CACHE, by default ~/.cache/tandem/asterisk. A tree is never refreshed by itself; delete it to get a newer Asterisk.
set -euo pipefail
export LC_ALL=C

readonly suites='forky sid'
readonly packages=(asterisk asterisk-core-sounds-en-gsm asterisk-moh-opsound-gsm)
cache=${TANDEM_ASTERISK_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/tandem/asterisk}
readonly cache tree=$cache/tree-1 # another number makes everyone build anew

say() { echo "install.sh: $*" >&2; }
die() { say "$@"; exit 1; }

# private_apt DIR sets the array apt: options that keep every file of apt below DIR.
private_apt() {
  local dir=$1
  mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
  : >"$dir/state/status"
  apt=(
    -q=2
    -o "Dir::State=$dir/state" -o "Dir::State::status=$dir/state/status" -o "Dir::Cache=$dir/cache"
    -o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o Acquire::Languages=none -o Acquire::Retries=3
    -o Acquire::Check-Valid-Until=false # a mirror may keep a development suite for longer than the suite's own week
    -o APT::Sandbox::User= -o APT::Install-Recommends=false -o APT::Update::Error-Mode=any
  )
}

# mirror prints the base address of the Debian archive that this machine's apt is set up with.
mirror() {
  # shellcheck disable=SC2016 # apt expands this, not the shell
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -E '/debian/?$'
}

# fetch SUITE DIR unpacks Asterisk and everything it depends on into DIR/tree.
fetch() {
  local suite=$1 dir=$2 names deb
  private_apt "$dir"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$dir/sources.list"
  apt-get "${apt[@]}" update >"$dir/update.log" 2>&1 || { sed -E 's#[a-z]+://[^/ ]+#MIRROR#g' "$dir/update.log" >&2; return 1; }
  names=$(apt-get "${apt[@]}" -s install "${packages[@]}" 2>/dev/null | awk '/^Inst/ {print $2}')
  [ -n "$names" ] || { say "the suite $suite has no installable Asterisk"; return 1; }
  say "fetching $(wc -l <<<"$names") packages of the suite $suite"
  mkdir -p "$dir/debs" "$dir/tree"
  # shellcheck disable=SC2086 # a list of package names
  (cd "$dir/debs" && apt-get "${apt[@]}" download $names >&2) || return 1
  for deb in "$dir"/debs/*.deb; do
    dpkg-deb -x "$deb" "$dir/tree" || return 1
  done
  # No maintainer script has run. The one thing missed is the link that makes the English sounds the default.
  ln -sfn "$(basename "$(find "$dir/tree/usr/share/asterisk/sounds" -maxdepth 1 -name 'en_US*' | head -n 1)")" "$dir/tree/usr/share/asterisk/sounds/en"
  rm -rf "$dir"/tree/usr/share/{doc,man,locale,perl,info,lintian,zoneinfo} "$dir"/tree/usr/lib/*/{gconv,perl,perl-base}
}

# loader TREE writes TREE/asterisk.sh, which runs the tree's Asterisk under the tree's own loader and libraries, and tries it.
loader() {
  local dir=$1 lib
  lib=$(dirname "$(find "$dir/usr/lib" -maxdepth 2 -name 'libc.so.6' | head -n 1)")
  lib=${lib#"$dir"/}
  cat >"$dir/asterisk.sh" <<SCRIPT
#!/bin/sh
# Runs this tree's Asterisk.
tree=\$(dirname "\$(readlink -f "\$0")")
exec "\$(ls "\$tree/$lib"/ld-linux*.so.? | head -n 1)" --inhibit-cache --library-path "\$tree/$lib" "\$tree/usr/sbin/asterisk" "\$@"
SCRIPT
  chmod +x "$dir/asterisk.sh"
  find "$dir/usr/lib" -type d -path '*/asterisk/modules' -printf '%P\n' >"$dir/modules.path"
  "$dir/asterisk.sh" -V >"$dir/VERSION"
}

if [ -f "$tree/VERSION" ]; then
  echo "$tree"
  exit 0
fi
[ "${1:-}" != --find ] || { say "no Asterisk in $cache yet"; exit 3; }
for tool in apt-get dpkg-deb flock; do
  command -v "$tool" >/dev/null || die "needs $tool; only Debian and its kin can build the tree"
done

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -w 600 9 || die "another install.sh has held $cache/lock for ten minutes"
if [ ! -f "$tree/VERSION" ]; then # nobody built it while we waited
  work=$(mktemp -d "$cache/new.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  for suite in $suites; do
    rm -rf "${work:?}"/*
    if fetch "$suite" "$work" && loader "$work/tree"; then
      mv -T "$work/tree" "$tree" # in one step: a reader sees a whole tree or none
      break
    fi
  done
fi
[ -f "$tree/VERSION" ] || die "no Asterisk from the suites: $suites"
say "$(cat "$tree/VERSION")"
echo "$tree"
