#!/usr/bin/env bash
# Whether a call of Portico's is genuine, for receivers in a shell with openssl.
#
#     verify.sh ID TIMESTAMP SIGNATURE < BODY
#
# The first three are the headers webhook-id, webhook-timestamp and webhook-signature; the body is
# taken byte for byte. The signing secret is in PORTICO_SECRET; while it is rotated both may be there
# with a space between. Ends with 0 if it is genuine and with 1 if not.
set -euo pipefail
id=$1 timestamp=$2 signatures=$3
tolerance=300 # seconds

body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat >"$body"

[[ $timestamp =~ ^[0-9]+$ ]] || exit 1
apart=$(($(date +%s) - timestamp))
[ "${apart#-}" -le "$tolerance" ] || exit 1

for secret in $PORTICO_SECRET; do
  key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
  expected=v1,$({ printf '%s.%s.' "$id" "$timestamp"; cat "$body"; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
  for one in $signatures; do
    [ "$one" = "$expected" ] && exit 0
  done
done
exit 1
