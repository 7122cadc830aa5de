#!/usr/bin/env bash
# Asks the node for /live; the image has no program for HTTP.
set -euo pipefail
exec 3<> "/dev/tcp/127.0.0.1/${SPLITFROZEN_HEALTH_PORT:-8080}"
printf 'GET /live HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r status <&3
[[ "$status" == *" 200 "* ]]
