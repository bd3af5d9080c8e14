# What stripe_curl.sh and paypal_curl.sh share: they read it with `.`, it is not run by itself.
# POSIX sh, curl and openssl. The caller has set $here, the folder of this file.
#
# A secret never becomes the argument of a command, because every user of the machine can list
# those (ps). openssl takes the key of an HMAC nowhere else (-hmac, -macopt), so hmac_sha256 makes
# the HMAC of plain SHA-256, as RFC 2104 defines it, and openssl never gets to see the key. A secret
# leaves the shell's variables only through here-documents, and through printf, which is a part of
# dash, bash, zsh and busybox.

LC_ALL=C
export LC_ALL
root=${here%/*}
env_file=${ENV_FILE:-.env}
case $env_file in /*) ;; *) env_file=$root/$env_file ;; esac

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Checks that the file $1 can be sent, and that every program is there.
prepare() {
    [ -f "$1" ] && [ -r "$1" ] || die "there is no file $1 that can be read."
    for program in curl openssl od sed tr; do
        command -v "$program" >/dev/null 2>&1 || die "$program is not installed, but needed."
    done
}

# Prints the value of the variable $1 as the service reads it: the environment wins over .env, and
# NAME over NAME_FILE, which names a file with the value. Prints nothing where it is not set.
setting() {
    if value=$(from_environment "$1"); then
        trim "$value"
    elif value=$(from_environment "$1_FILE"); then
        from_file "$1_FILE" "$value"
    elif value=$(from_env_file "$1"); then
        trim "$value"
    elif value=$(from_env_file "$1_FILE"); then
        from_file "$1_FILE" "$value"
    fi
}

# These two fail where the variable is not there.
from_environment() {
    eval "[ \"\${$1+set}\" ] && printf '%s\\n' \"\$$1\""
}

from_env_file() {
    [ -r "$env_file" ] || return 1
    line=$(
        tr -d '\r' <"$env_file" |
            sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*/=/p" |
            tail -n 1
    )
    case $line in
        '') return 1 ;;
        "='"*) line=${line#"='"} && line=${line%%"'"*} ;;
        '="'*) line=${line#'="'} && line=${line%%'"'*} ;;
        *) line=${line#=} && line=${line%%[[:space:]]#*} ;;
    esac
    printf '%s\n' "$line"
}

from_file() {
    [ -r "$2" ] || die "$1 names a file that cannot be read: $2"
    trim "$(cat <"$2")"
}

trim() {
    trimmed=${1#"${1%%[![:space:]]*}"}
    printf '%s' "${trimmed%"${trimmed##*[![:space:]]}"}"
}

# Sets $secret to the first of the comma-separated secrets of the variable $1.
read_secret() {
    secret=$(setting "$1") || exit 1
    secret=$(trim "${secret%%,*}")
    [ -n "$secret" ] || not_set "$1"
}

not_set() {
    [ -r "$env_file" ] || die "there is no $env_file that can be read." \
        "'make run' writes one; or set $1 in the environment."
    die "$1 is set neither in the environment nor in $env_file."
}

# Prints where the service is: $PAYMENTS_URL, or what `make run` wrote down, or at APP_PORT.
address() {
    if [ -n "${PAYMENTS_URL:-}" ]; then
        printf '%s\n' "${PAYMENTS_URL%/}"
        return
    fi
    var_dir=$(setting VAR_DIR) || exit 1
    var_dir=${var_dir:-var}
    case $var_dir in /*) ;; *) var_dir=$root/$var_dir ;; esac
    if [ -s "$var_dir/address" ]; then
        cat <"$var_dir/address"
        return
    fi
    port=$(setting APP_PORT) || exit 1
    [ -n "$port" ] || die "the service is not running: there is no $var_dir/address." \
        "Start it with 'make run', or name its address in PAYMENTS_URL."
    printf 'http://127.0.0.1:%s\n' "$port"
}

# Prints the HMAC-SHA256 of standard input under $secret, in hexadecimal.
hmac_sha256() {
    key=$(hex_of "$secret")
    # SHA-256 has blocks of 64 bytes, so of 128 digits: a longer key is hashed, a shorter one padded.
    [ ${#key} -le 128 ] || key=$(bytes 00 "$key" | openssl dgst -sha256 -binary | hex)
    while [ ${#key} -lt 128 ]; do key=${key}00; done
    mac=$(
        {
            bytes 5c "$key"
            { bytes 36 "$key" && cat; } | openssl dgst -sha256 -binary
        } | openssl dgst -sha256 -binary | hex
    )
    [ ${#mac} -eq 64 ] || die "openssl could not sign."
    printf '%s\n' "$mac"
}

hex() {
    od -An -v -tx1 | tr -d ' \t\n'
}

hex_of() {
    with_newline=$(
        hex <<END
$1
END
    )
    printf '%s\n' "${with_newline%0a}"
}

# Writes the bytes that $2 (hexadecimal) spells, each of them XOR $1 (hexadecimal).
bytes() {
    rest=$2
    octal=
    while [ -n "$rest" ]; do
        tail=${rest#??}
        byte=$((0x${rest%"$tail"} ^ 0x$1))
        octal="$octal\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
        rest=$tail
    done
    printf '%b' "$octal"
}

# Posts the bytes of the file $3 to the path $1 with the header $2; prints the status and answer.
deliver() {
    url=$(address) || exit 1
    url=$url$1
    # -q: not with the options of a ~/.curlrc. A proxy is not asked about this machine itself.
    answer=$(
        curl -q --globoff --silent --show-error --max-time 30 --noproxy localhost,127.0.0.1,::1 \
            --header 'Content-Type: application/json' --header 'Expect:' --header "$2" \
            --data-binary @- --write-out '\n%{http_code}' "$url" <"$3"
    ) || die "the service does not answer at $url. Is 'make run' running?"
    status=${answer##*
}
    printf '%s %s\n' "$status" "$(trim "${answer%"$status"}")"
    case $status in
        2??) ;;
        400) die "refused; does the service at $url use the same secret?" ;;
        *) die "not accepted by the service at $url." ;;
    esac
}
