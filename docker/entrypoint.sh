#!/usr/bin/env bash
# entrypoint.sh server|device|certs|anything else that the program knows, with its arguments.
set -euo pipefail
program="${SPLITFROZEN_HOME:-/app}/splitfrozen"
config="${SPLITFROZEN_CONFIG:-/app/docker}"
certs="${SPLITFROZEN_CERTS:-/certs}"

case "${1:-}" in
  certs)
    # Once for the volumes: an authority, a certificate for the server, and one that all device containers share, each where only its holder looks.
    issue() {
      [ -e "$certs/$1/$1.pem" ] && return
      "$program" certs new "$1" --role "$1" --days 365 --out "$certs/authority" "${@:2}" > /dev/null
      mv "$certs/authority/$1.key" "$certs/authority/$1.pem" "$certs/$1/"
      cp "$certs/authority/ca.pem" "$certs/$1/"
    }
    issue server --host "${SPLITFROZEN_SERVER:-server}"
    issue device
    ;;
  server)
    shift
    run="${SPLITFROZEN_RUN:-/runs/current}"
    # A run that is over makes room, as does one of a method that cannot be resumed; what was cut off, or stopped in order, goes on.
    if grep -q '"completed": *true' "$run/summary.json" 2> /dev/null || grep -Eq '^ *method *= *"?(fedlora|splitlora|cenlora)' "$run/config.conf" 2> /dev/null; then
      mv "$run" "$run-$(date -u +%Y%m%dT%H%M%S)"
    fi
    if [ -e "$run" ]; then
      exec "$program" server --resume "$run" "$@"
    fi
    exec "$program" server --config "$config/server.conf" --run "$run" "$@"
    ;;
  device)
    shift
    # Each container has an address of its own, under which the server reaches it.
    address="$(hostname -i | cut -d ' ' -f 1)"
    exec "$program" device --config "$config/device.conf" --set "splitfrozen.cluster.host=$address" "$@"
    ;;
  *)
    exec "$program" "$@"
    ;;
esac
