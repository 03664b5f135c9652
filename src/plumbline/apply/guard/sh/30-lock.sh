# shellcheck shell=dash
# One run a host at a time: who holds the host, and whether that connection is still there.

# The SSH connection we are part of: `pid starttime` of its process, which is right below the listener's or
# init's; empty if there is none.
connection() {
    local pid=$$ parent='' name below=''
    while [ "${pid:-0}" -gt 1 ] && [ -r "/proc/$pid/status" ]; do
        name=$(sed -n 's/^Name:[[:space:]]*//p' "/proc/$pid/status")
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
        case $name in
        sshd*) tr '\000' ' ' < "/proc/$pid/cmdline" | grep -q '\[listener\]' || below=$pid ;;
        esac
        pid=$parent
    done
    [ -z "$below" ] || printf '%s %s\n' "$below" "$(started "$below")"
}

# When a process started, in clock ticks; together with its id it names one process.
started() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

lock_fact() {
    [ ! -e "$LOCK" ] || sed -n "s/^$1 //p" "$LOCK"
}

# Whether the holder of the lock is there: its connection is; without one, it has shown itself of late.
lock_alive() {
    local pid
    [ "$(lock_fact boot)" = "$(boot_id)" ] || return 1
    pid=$(lock_fact connection)
    if [ -n "$pid" ]; then
        [ "$(started "${pid% *}")" = "${pid#* }" ]
    else
        [ $(($(uptime_seconds) - $(lock_fact touched))) -lt $LOCK_SECONDS ]
    fi
}

armed_run() {
    cat "$ARMED" 2>/dev/null
}

# Takes the lock for RUN, or shows that it is still at work.
take_lock() {
    local holder who armed since here
    holder=$(lock_fact run) armed=$(armed_run)
    if [ -n "$armed" ] && [ "$armed" != "$1" ]; then
        refuse busy "the run $armed of $(sed -n "s/^who //p" "$RUNS/$armed/meta" | tail -n 1) is at work on this host and not confirmed yet"
    fi
    who=${2:-$(lock_fact who)}
    if [ -n "$holder" ] && [ "$holder" != "$1" ]; then
        ! lock_alive || refuse busy "$(lock_fact who) is changing this host, since $(lock_fact since) (run $holder)"
        NOTE="the lock of $(lock_fact who), run $holder, was broken: its connection is gone and nothing was armed"
        abandon_other "$holder"
    fi
    since=$(now)
    [ "$holder" != "$1" ] || since=$(lock_fact since)
    here=$(connection)
    # A lock without its connection would hold the host long after that has gone.
    [ -n "$here" ] || [ -z "${SSH_CONNECTION-}" ] || refuse failed "the connection this came by is not there any more"
    put "$LOCK" "run $1
who $who
since $since
boot $(boot_id)
touched $(uptime_seconds)
connection $here" || refuse space "the lock cannot be written to $PLACE: is the disk full?"
}

give_back() {
    [ "$(lock_fact run)" != "${RUN##*/}" ] || rm -f "$LOCK"
}

# Ends a run that was begun and never armed: nothing was changed under it.
abandon() {
    if [ "$(fact state)" = begun ]; then
        set_fact state abandoned
        set_fact ended "$(now)"
        forget
    fi
}

abandon_other() {
    local ours=$RUN
    RUN=$RUNS/$1
    [ ! -f "$RUN/meta" ] || abandon
    RUN=$ours
}

verb_lock() {
    [ -n "${1-}" ] || refuse usage "say which run"
    take_lock "$1" "${2:-somebody}"
    RUN=$RUNS/$1
    answer
}

verb_unlock() {
    [ -n "${1-}" ] || refuse usage "say which run"
    RUN=$RUNS/$1
    [ "$(armed_run)" != "$1" ] || refuse state "the run $1 is armed: confirm it, or let it be restored"
    abandon
    give_back
    answer
}
