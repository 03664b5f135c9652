# shellcheck shell=dash
# What each verb is, and that one at a time is at work.

locked() {
    local code function=$1
    shift
    if [ "${GUARD_LOCKED-}" = yes ]; then
        "$function" "$@"
        return
    fi
    : >> "$PLACE/.flock" || refuse space "nothing can be written to $PLACE: is the disk full?"
    # The lock is not handed down to what is started below, which may go on for long; nobody works without it.
    GUARD_LOCKED=yes flock --close --conflict-exit-code 75 --wait "$PATIENCE" "$PLACE/.flock" \
        setpriv --pdeathsig KILL /bin/sh "$GUARD" "$VERB" "$@"
    code=$?
    [ $code != 75 ] || refuse busy "the guard of this host is at work and does not end"
    return $code
}

main() {
    local verb=$1
    PATIENCE=20
    [ $# -eq 0 ] || shift
    [ "$(id -u)" = 0 ] || refuse failed "the guard works as root alone"
    mkdir -p "$RUNS" || refuse space "nothing can be written to $PLACE: is the disk full?"
    case $verb in
    status) verb_status ;;
    history) verb_history ;;
    result) verb_result "$@" ;;
    restore) verb_restore "$@" ;;
    work | boot) PATIENCE=1200 locked "verb_$verb" "$@" ;;
    lock | unlock | begin | arm | extend | disarm | rollback | prune) locked "verb_$verb" "$@" ;;
    *) refuse usage "the guard knows no ${verb:-empty} command" ;;
    esac
}

main "$@"
