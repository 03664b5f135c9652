#!/bin/sh
# Prints the evidence of this host as one JSON document. It reads and never changes anything, writes no file,
# and needs nothing but a POSIX shell and timeout, head, tail, base64, sha256sum, date, id, env and sed.
# With renice and ionice, where there are, it gives way to everything else that runs.
#
#   sudo sh collect.sh > NAME.evidence.json
#
# Exit status: 0 evidence was printed; 1 it could not be written; 3 this host lacks a program named on stderr.
# shellcheck disable=SC2016  # commands stand in single quotes so that the shell that asks them expands them
# shellcheck disable=SC2017  # the division must round down
# shellcheck disable=SC2086  # words of $guard and of a reply are split on purpose; neither holds a wildcard

settings() {
    version='@VERSION@'
    digest='@DIGEST@'
    kept_bytes=@KEPT_BYTES@         # of one probe's output; a byte more is printed if there was more
    document_bytes=@DOCUMENT_BYTES@ # of all outputs together, encoded
    all_seconds=@ALL_SECONDS@       # after which no further probe is asked
    ask=@ASK@
}

# The environment of whoever runs this must not colour what the probes print.
clean_environment() {
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case $name in
        PATH | PWD | IFS | PPID | UID | EUID | SHELLOPTS | BASHOPTS | BASH_VERSINFO | _) ;;
        *) unset "$name" ;;
        esac
    done
    LC_ALL=C LANGUAGE='' HOME=/ TERM=dumb
    export PATH LC_ALL LANGUAGE HOME TERM
    cd / || exit 1
    unset OLDPWD
}

# Sets `tool` to the path of a program: given by path, no shell takes an applet of its own for it.
find_tool() {
    for directory in /usr/bin /bin /usr/sbin /sbin; do
        tool=$directory/$1
        [ ! -x "$tool" ] || return 0
    done
    echo "collect.sh: this host has no program $1, which collecting needs; install it and try again" >&2
    exit 3
}

find_tools() {
    find_tool timeout && timeout=$tool
    find_tool head && head=$tool
    find_tool tail && tail=$tool
    find_tool base64 && base64=$tool
    find_tool sha256sum && sha256sum=$tool
    find_tool date && date=$tool
    find_tool id && id=$tool
    # GNU timeout ends the whole process group; any other may end only the program it started.
    guard="$timeout -s KILL" grace=2
    case $("$timeout" --version 2>/dev/null) in
    *GNU*) guard='' grace=0 ;;
    esac
    secret=$$
    { read -r secret </proc/sys/kernel/random/uuid; } 2>/dev/null
}

# Lets this shell and all it starts run only when nothing else wants the processor or the disks: a host may be
# busy with a plant. What cannot be had is done without.
give_way() {
    for directory in /usr/bin /bin /usr/sbin /sbin; do
        [ ! -x $directory/renice ] || $directory/renice -n 19 -p $$ && break
    done
    for directory in /usr/bin /bin /usr/sbin /sbin; do
        [ ! -x $directory/ionice ] || $directory/ionice -c 3 -p $$ && break
    done
} >/dev/null 2>&1

# Sets `clock` to the hundredths of a second since the host started (proc(5)).
read_clock() {
    { read -r clock _ </proc/uptime; } 2>/dev/null || clock=0.00
    clock=${clock%.*}${clock#*.}
    while :; do
        case $clock in
        0?*) clock=${clock#0} ;; # a leading zero would mean octal
        *) return 0 ;;
        esac
    done
}

# Prints a value as JSON: as it is if nothing in it needs quoting, else encoded.
quote() {
    case $1 in
    *[!A-Za-z0-9._+~:@-]*) printf '{"base64":"%s"}' "$(printf %s "$1" | "$base64" -w0)" ;;
    *) printf '"%s"' "$1" ;;
    esac
}

# probe NAME DIGEST SECONDS COMMAND: asks one probe and prints it as a member of "probes".
probe() {
    name=$1 asked=$2 seconds=$3
    state=skipped status=null out='' err='' cut=false
    read_clock
    began=$clock
    if [ $((began - started)) -lt $((all_seconds * 100)) ]; then
        {
            reply=$("$timeout" -s KILL $((seconds + grace)) /bin/sh -c "$ask" ask "$4" "$secret" \
                "$head" "$tail" "$base64" $kept_bytes "${guard:+$guard $seconds}")
            ended=$?
        } 2>/dev/null
        read_clock
        set -- $reply
        if [ "$ended.$#" = 0.3 ]; then
            state='done' out=${1#o} status=$2 err=${3#e}
        elif [ $ended -eq 124 ] || [ $((clock - began)) -ge $((seconds * 100 - 1)) ]; then
            state=timeout
        else
            state=broken
        fi
    fi
    [ ${#out} -le $((kept_bytes / 3 * 4)) ] || cut=true
    used=$((used + ${#out} + ${#err}))
    if [ $used -gt $document_bytes ]; then
        used=$((used - ${#out} - ${#err})) cut=true out='' err=''
    fi
    printf '%s"%s":{"asked":"%s","state":"%s","exit":%s,"ms":%s,"cut":%s,"out":"%s","err":"%s"}' \
        "$comma" "$name" "$asked" $state $status $(((clock - began) * 10)) $cut "$out" "$err"
    comma=',
'
}

first_lane() {
@FIRST_LANE@
}

second_lane() {
    :
@SECOND_LANE@
}

# Asks the probes of one lane, and prints them.
lane() {
    used=0 comma=''
    "$1"
}

# Asks both lanes, side by side if there is more than one processor, and prints their probes in order.
ask_all() {
    processors=0
    { read -r processors </sys/devices/system/cpu/online; } 2>/dev/null
    case $processors in
    *[,-]*)
        # The second lane prints when it has done, so it never waits to be read.
        {
            later=$(lane second_lane)
            printf %s "$later"
        } | {
            earlier=$(lane first_lane </dev/null)
            later=$("$head" -c $((document_bytes * 2)))
            both
        }
        ;;
    *)
        earlier=$(lane first_lane)
        later=$(lane second_lane)
        both
        ;;
    esac
}

# Prints what both lanes found; outputs of the second for which the first has left no room are dropped.
both() {
    printf %s "$earlier"
    comma=''
    [ -z "$earlier" ] || [ -z "$later" ] || comma=',
'
    room=$((document_bytes - ${#earlier}))
    if [ ${#later} -le $room ]; then
        printf '%s%s' "$comma" "$later"
        return
    fi
    printf '%s\n' "$later" | while IFS= read -r line; do
        line=${line%,}
        [ ${#line} -le $room ] || line="${line%%,\"cut\":*},\"cut\":true,\"out\":\"\",\"err\":\"\"}"
        room=$((room - ${#line}))
        printf '%s%s' "$comma" "$line"
        comma=',
'
    done
}

document() {
    read_clock
    started=$clock
    start=$("$date" -u +%Y-%m-%dT%H:%M:%SZ)
    hostname='' machine='' kernel=''
    { read -r hostname </proc/sys/kernel/hostname; } 2>/dev/null
    { read -r machine </etc/machine-id; } 2>/dev/null
    { read -r kernel </proc/sys/kernel/osrelease; } 2>/dev/null
    [ -z "$machine" ] || machine=$(printf %s "$machine" | "$sha256sum")
    uid=$("$id" -u)
    user=$("$timeout" -s KILL 2 "$id" -un 2>/dev/null) || user=$uid
    printf '{"plumbline_evidence":1,\n"collector":{"system":"linux","version":"%s","digest":"%s"},\n' \
        $version $digest
    printf '"host":{"hostname":%s,"machine":"%.16s","kernel":%s},\n' \
        "$(quote "$hostname")" "$machine" "$(quote "$kernel")"
    printf '"probes":{\n'
    ask_all
    printf '\n},\n"collected":{"start":"%s","end":"%s","user":%s,"uid":%s},\n' \
        "$start" "$("$date" -u +%Y-%m-%dT%H:%M:%SZ)" "$(quote "$user")" "$uid"
}

main() {
    clean_environment
    settings
    find_tools
    give_way
    body=$(document)
    sum=$(printf '%s\n' "$body" | "$sha256sum")
    printf '%s\n"digest":"sha256:%.64s"}\n' "$body" "$sum" && return
    echo 'collect.sh: the evidence could not be written whole; is the disk full?' >&2
    exit 1
}

# The last line starts it: a script that was cut off on its way does nothing.
main </dev/null
