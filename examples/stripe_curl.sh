#!/bin/sh
# Signs an event as Stripe does, and delivers it to the running service:
#
#   examples/stripe_curl.sh [file]
#
# `file` has the event; the default is stripe_webhook.json. The secret is the first one of
# STRIPE_SIGNING_SECRET, in the environment or .env. The service is the one that `make run` started,
# or the one at PAYMENTS_URL.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/signing.sh"

file=${1:-$here/stripe_webhook.json}
prepare "$file"
read_secret STRIPE_SIGNING_SECRET

timestamp=$(date +%s)
signature=$({ printf '%s.' "$timestamp" && cat; } <"$file" | hmac_sha256)
deliver /webhooks/stripe "Stripe-Signature: t=$timestamp,v1=$signature" "$file"
