#!/bin/sh
# Looks at dead letters through the admin API, and replays them, with nothing but curl:
#
#   examples/curl.sh list
#   examples/curl.sh show 17
#   examples/curl.sh dry-run 17
#   examples/curl.sh replay 17 'the warehouse is back'
#
# The token is the first one of ADMIN_TOKEN, in the environment or .env. The service is the one that
# `make run` started, or the one at PAYMENTS_URL.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/signing.sh"

usage() {
    die "use: list, show ID, dry-run ID, or replay ID REASON."
}

# Asks for the path $1; posts the JSON $2 where there is one. Prints the answer's JSON.
ask() {
    url=$(address) || exit 1
    [ $# -eq 1 ] || set -- "$1" --header 'Content-Type: application/json' --data-raw "$2"
    path=$1
    shift
    # The token goes through standard input: arguments can be seen by every user of the machine.
    answer=$(
        curl -q --globoff --silent --show-error --max-time 30 --noproxy localhost,127.0.0.1,::1 \
            --header @- --write-out '\n%{http_code}' "$@" "$url$path" <<END
Authorization: Bearer $secret
END
    ) || die "the service does not answer at $url. Is 'make run' running?"
    status=${answer##*
}
    printf '%s\n' "$(trim "${answer%"$status"}")"
    case $status in
        2??) ;;
        *) die "refused with status $status; the answer says why." ;;
    esac
}

# Prints $1 as a JSON string.
json_string() {
    case $1 in *[[:cntrl:]]*) die "the reason must be one line." ;; esac
    printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

[ $# -ge 1 ] || usage
command -v curl >/dev/null 2>&1 || die "curl is not installed, but needed."
case ${2:-1} in *[!0-9]*) usage ;; esac
read_secret ADMIN_TOKEN
# An entry is a bare token, or name:role:token.
case $secret in *:*:*) secret=${secret#*:} && secret=${secret#*:} ;; esac

case $1/$# in
    list/1) ask '/admin/dlq?limit=100' ;;
    show/2) ask "/admin/events/$2" ;;
    dry-run/2) ask "/admin/events/$2/replay" '{"dry_run": true}' ;;
    replay/3) ask "/admin/events/$2/replay" "{\"reason\": $(json_string "$3")}" ;;
    *) usage ;;
esac
