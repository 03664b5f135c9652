#!/bin/sh
# `a && b || c` is meant: c is for a failure of either. What stands in single quotes is other programs'.
# shellcheck shell=dash disable=SC2015,SC2016
# Plumbline's guard: keeps what a host is before it is changed, and puts it back unless it is told that all is well.
# Everything it keeps is root's alone. Its last line of output is one JSON object.

PLACE=/var/lib/plumbline
GUARD=$PLACE/guard
RUNS=$PLACE/runs
LOCK=$PLACE/lock
ARMED=$PLACE/armed
UNIT=plumbline-guard
BOOT_UNIT=/etc/systemd/system/$UNIT.service
BOOT_WANTS=/etc/systemd/system/sysinit.target.wants
PACKAGE_SECONDS=60
STEP_SECONDS=100
LOCK_SECONDS=1800
MESSAGE_ID=5f2d8c1be6a14b0fb1c9c34ad9a0c7e1
# Between the fields of a line, and in the place of a newline within a name.
FS=$(printf '\037')
NL=$(printf '\001')

LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DEBIAN_FRONTEND=noninteractive
export LC_ALL PATH DEBIAN_FRONTEND FS NL
umask 077

VERB=${1-}
RUN=

# The text of stdin as the inside of a JSON string; a newline in a name comes back as one.
json_text() {
    awk '{ if (NR > 1) printf "\\n"; gsub(/["\\]/, "\\\\&"); gsub(/\t/, "\\t"); gsub(/\001/, "\\n")
        gsub(/[\002-\037\177]/, "?"); printf "%s", $0 }' | to_utf8
}

to_utf8() {
    iconv -c -f UTF-8 -t UTF-8 2>/dev/null || :
}

json() {
    printf '"%s"' "$(printf '%s\n' "$1" | json_text)"
}

# Lines `kind FS name FS did FS why` as a JSON array.
json_items() {
    awk -F "$FS" 'function text(s) { gsub(/["\\]/, "\\\\&", s); gsub(/\t/, "\\t", s)
            gsub(/\001/, "\\n", s); gsub(/[\002-\037\177]/, "?", s); return "\"" s "\"" }
        BEGIN { printf "[" }
        { printf "%s{\"kind\":%s,\"name\":%s,\"did\":%s,\"why\":%s}", (NR > 1 ? "," : ""),
            text($1), text($2), text($3), text($4) }
        END { printf "]" }' "$1" | to_utf8
}

# Ends with a refusal: a kind in one word, and a sentence.
refuse() {
    printf '{"ok":false,"verb":%s,"run":%s,"kind":"%s","reason":%s}\n' \
        "$(json "$VERB")" "$(json "${RUN##*/}")" "$1" "$(json "$2")"
    exit 1
}

# Ends well: `answer '"more":1,…'`.
answer() {
    printf '{"ok":true,"verb":%s,"run":%s,"note":%s%s}\n' \
        "$(json "$VERB")" "$(json "${RUN##*/}")" "$(json "${NOTE-}")" "${1:+,$1}"
}

now() {
    date -u +%Y-%m-%dT%H:%M:%SZ
}

# Seconds since the kernel started; no clock can be set under it.
uptime_seconds() {
    cut -d. -f1 /proc/uptime
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id
}

# Writes a text to a file by a rename, so that after a power cut there is the old or the new one. The text is
# whole before: of a pipeline one end may be killed, and the other would then keep half of it.
put() {
    printf '%s\n' "$2" > "$1.new" && sync "$1.new" && mv -fT "$1.new" "$1"
}

# One fact of a run: `fact KEY`, `set_fact KEY VALUE`; the last line of a key counts.
fact() {
    [ ! -e "$RUN/meta" ] || sed -n "s/^$1 //p" "$RUN/meta" | tail -n 1
}

set_fact() {
    local others='' code=0
    if [ -e "$RUN/meta" ]; then
        others=$(grep -v "^$1 " "$RUN/meta") || code=$?
        [ $code -le 1 ] || return 1
    fi
    put "$RUN/meta" "${others:+$others
}$1 $2"
}

# A structured entry in the journal; nothing waits for it, and nothing fails without it.
journal() {
    printf '%s\n' "MESSAGE=plumbline: $2" "MESSAGE_ID=$MESSAGE_ID" SYSLOG_IDENTIFIER=plumbline \
        "PRIORITY=${3:-5}" "PLUMBLINE_EVENT=$1" "PLUMBLINE_RUN=${RUN##*/}" "PLUMBLINE_WHO=$(fact who)" \
        "PLUMBLINE_PLAN=$(fact plan)" | timeout 5 logger --journald >/dev/null 2>&1 || :
}

# Says what a long step is at; also the places where a power cut is tried.
at() {
    printf '%s\n' "$1" > "$RUN/at" 2>/dev/null || :
}

# Turns names as they stand in our files into NUL-ended ones.
nul_names() {
    tr '\n\001' '\000\n'
}

# Runs something with the modification time of a directory kept.
keeping_time() {
    local directory=$1 time
    shift
    time=$(stat -c %.Y "$directory" 2>/dev/null)
    "$@"
    set -- $?
    [ -z "$time" ] || touch -c -d "@$time" "$directory" 2>/dev/null || :
    return "$1"
}

need_run() {
    [ -n "$1" ] || refuse usage "say which run"
    RUN=$RUNS/$1
    [ -f "$RUN/meta" ] || refuse unknown-run "the host knows no run $1"
}

need_snapshot() {
    [ -f "$RUN/whole" ] || refuse state "the snapshot of the run ${RUN##*/} is no longer kept"
}
