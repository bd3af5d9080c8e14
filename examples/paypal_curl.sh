#!/bin/sh
# Signs an event under the demo secret, and delivers it to the running service as PayPal would:
#
#   examples/paypal_curl.sh [file]
#
# `file` has the event; the default is paypal_webhook.json. PAYPAL_MODE must be demo_hmac, as it is
# in the .env that `make run` writes. The secret is the first one of DEMO_HMAC_SECRET, in the
# environment or .env. The service is the one that `make run` started, or the one at PAYMENTS_URL.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/signing.sh"

file=${1:-$here/paypal_webhook.json}
prepare "$file"
mode=$(setting PAYPAL_MODE)
[ -n "$mode" ] || not_set PAYPAL_MODE
[ "$mode" = demo_hmac ] || die "PAYPAL_MODE is $mode, for which only PayPal itself can sign." \
    "Set PAYPAL_MODE=demo_hmac and start the service again."
read_secret DEMO_HMAC_SECRET

signature=$(hmac_sha256 <"$file")
deliver /webhooks/paypal "X-Demo-Signature: $signature" "$file"
