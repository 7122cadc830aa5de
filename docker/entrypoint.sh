#!/usr/bin/env bash
# entrypoint.sh server|device|certs|anything else that the program knows, with its arguments.
set -euo pipefail
program="${SPLITFROZEN_HOME:-/app}/splitfrozen"
config="${SPLITFROZEN_CONFIG:-/app/docker}"
certs="${SPLITFROZEN_CERTS:-/certs}"

case "${1:-}" in
  certs)
    # Once for a volume: an authority, a certificate for the server, and one that all device containers share.
    [ -e "$certs/server.pem" ] || "$program" certs new server --role server --host "${SPLITFROZEN_SERVER:-server}" --host localhost --out "$certs" >/dev/null
    [ -e "$certs/device.pem" ] || "$program" certs new device --role device --out "$certs" >/dev/null
    ;;
  server)
    shift
    exec "$program" server --config "$config/server.conf" "$@"
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
