#!/usr/bin/env bash
# Starts one real Asterisk for tests, on 127.0.0.1 only, and prints its addresses and passwords as KEY=VALUE (README.md lists them).
#
#   up.sh [--overlay DIR] DIR                in the background; end it with down.sh DIR
#   up.sh --foreground [--overlay DIR] DIR   as this very process, until a signal; DIR/env appears shortly before Asterisk does
#
# DIR is made if need be; keep its path short, it holds a control socket. The files of the overlay are copied over those of etc/ before the @NAMES@
# in them are filled in.
set -euo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "$0")")

die() { echo "up.sh: $*" >&2; exit 1; }

foreground='' overlay=''
while [ $# -gt 1 ]; do
  case $1 in
    --foreground) foreground=1; shift ;;
    --overlay) overlay=$(readlink -f "$2"); shift 2 ;;
    *) die "unknown option $1" ;;
  esac
done
[ $# -eq 1 ] || die "usage: up.sh [--foreground] [--overlay DIR] DIR"
mkdir -p "$1"
dir=$(readlink -f "$1")
[ ${#dir} -le 80 ] || die "$dir is too long for the path of a socket"
tree=$("$here/install.sh")

# bound prints every TCP and UDP port that is in use on this machine.
bound() {
  local port
  while read -r port; do echo $((16#$port)); done < <(awk 'FNR > 1 {split($2, a, ":"); print a[2]}' /proc/net/{tcp,tcp6,udp,udp6} 2>/dev/null)
}

# reserve sets base to the first port of a free block of 200. The block is ours as long as a process has descriptor 8 open: Asterisk inherits it, so
# the block is free again the moment that Asterisk ends, however it ends.
reserve() {
  local locks taken port
  locks=${TMPDIR:-/tmp}/tandem-asterisk-$(id -u)
  mkdir -p "$locks"
  taken=$(bound)
  for base in $(seq 20000 200 32000); do # below the ports that the kernel gives out
    exec 8>"$locks/$base"
    flock -n 8 || continue
    for port in $taken; do
      [ "$port" -lt "$base" ] || [ "$port" -ge $((base + 200)) ] || continue 2
    done
    return 0
  done
  die "no block of 200 free ports between 20000 and 32200"
}

# render fills in the configuration.
render() {
  local secret modules
  secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  modules=$tree/usr/lib/$(cat "$tree/modules.path")
  rm -rf "${dir:?}/etc" "$dir/env"
  mkdir -p "$dir"/{etc,run,log,recordings,lib/keys,data,spool/monitor,spool/outgoing,spool/tmp}
  cp "$here"/etc/*.conf "$dir/etc/"
  [ -z "$overlay" ] || cp -r "$overlay"/. "$dir/etc/"
  ln -sfn "$tree/usr/share/asterisk/documentation" "$dir/data/documentation" # its configuration framework refuses to work without
  ln -sfn "$tree/usr/share/asterisk/sounds" "$dir/data/sounds"
  sed -i \
    -e "s#@DIR@#$dir#g" -e "s#@TREE@#$tree#g" -e "s#@MODULES@#$modules#g" -e "s#@SECRET@#$secret#g" \
    -e "s#@AMI_PORT@#$base#g" -e "s#@SIP_PORT@#$((base + 2))#g" -e "s#@TRUNK_PORT@#$((base + 3))#g" \
    -e "s#@CARRIER_PORT@#$((base + 4))#g" -e "s#@FASTAGI_PORT@#$((base + 5))#g" \
    -e "s#@RTP_FIRST@#$((base + 100))#g" -e "s#@RTP_LAST@#$((base + 199))#g" \
    "$dir"/etc/*.conf
  printf '#!/bin/sh\n# Runs one command of the console of this Asterisk.\nexec "%s" -C "%s" -rx "$*"\n' "$tree/asterisk.sh" "$dir/etc/asterisk.conf" >"$dir/cli"
  chmod +x "$dir/cli"
  cat >"$dir/env.new" <<ENV
VERSION=$(cut -d ' ' -f 2 "$tree/VERSION")
DIR=$dir
CLI=$dir/cli
LOG=$dir/log/full
RECORDINGS=$dir/recordings
AMI_ADDR=127.0.0.1:$base
AMI_USER=tandem
AMI_SECRET=$secret
OBSERVER_USER=observer
OBSERVER_SECRET=$secret
SIP_ADDR=127.0.0.1:$((base + 2))
PHONES=1001 1002 1003 1004
PHONE_PASSWORD=$secret
TRUNK_ADDR=127.0.0.1:$((base + 3))
CARRIER_ADDR=127.0.0.1:$((base + 4))
FASTAGI_ADDR=127.0.0.1:$((base + 5))
RTP_PORTS=$((base + 100))-$((base + 199))
FREE_PORTS=$((base + 20))-$((base + 99))
ENV
  mv "$dir/env.new" "$dir/env"
}

if [ -n "$foreground" ]; then
  reserve
  render
  echo $$ >"$dir/pid"
  ulimit -n "$(ulimit -H -n)" 2>/dev/null || true # as many calls as the machine allows
  exec "$tree/asterisk.sh" -f -C "$dir/etc/asterisk.conf"
fi

rm -f "$dir/env"
setsid "$0" --foreground ${overlay:+--overlay "$overlay"} "$dir" </dev/null >"$dir/console.log" 2>&1 &
pid=$!

# booted logs in to the manager interface and waits for the event that says all modules run.
booted() {
  local address line
  [ -f "$dir/env" ] || return 1
  address=$(sed -n 's/^AMI_ADDR=//p' "$dir/env")
  exec 3<>"/dev/tcp/${address%:*}/${address#*:}" || return 1
  printf 'Action: Login\r\nUsername: tandem\r\nSecret: %s\r\n\r\n' "$(sed -n 's/^AMI_SECRET=//p' "$dir/env")" >&3
  while IFS= read -r -t 3 line <&3; do
    case $line in
      Event:\ FullyBooted*) exec 3>&-; return 0 ;;
      Response:\ Error*) break ;;
    esac
  done
  exec 3>&-
  return 1
}

for _ in $(seq 300); do
  if booted 2>/dev/null; then
    cat "$dir/env"
    exit 0
  fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
tail -n 20 "$dir/console.log" >&2
"$here/down.sh" --keep "$dir" || true
die "Asterisk did not boot; see $dir/log and $dir/console.log"
