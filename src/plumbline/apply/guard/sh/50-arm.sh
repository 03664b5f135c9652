# shellcheck shell=dash
# The timer on the host: now, by systemd; after a restart in the middle, by a unit that runs before the network.

write_boot_unit() {
    mkdir -p "$BOOT_WANTS" && cat > "$BOOT_UNIT" <<END && chmod 644 "$BOOT_UNIT" && ln -sfn "../$UNIT.service" "$BOOT_WANTS/$UNIT.service"
# Written by Plumbline for the time of one run.
[Unit]
Description=Restore what a run of Plumbline left unconfirmed
DefaultDependencies=no
RequiresMountsFor=$PLACE
After=systemd-remount-fs.service local-fs.target
Before=sysinit.target systemd-sysctl.service network-pre.target nftables.service ufw.service shutdown.target
Conflicts=shutdown.target
IgnoreOnIsolate=yes

[Service]
Type=oneshot
ExecStart=/bin/sh $GUARD boot
TimeoutStartSec=300
END
    # No [Install] section: it is linked by hand, so that it does not count among the enabled units.
}

add_boot_unit() {
    local code
    made=
    [ -d "$BOOT_WANTS" ] || made=yes
    keeping_time "${BOOT_UNIT%/*}" keeping_time "$BOOT_WANTS" write_boot_unit
    code=$?
    [ -z "$made" ] || : > "$RUN/made-wants"
    sync "$BOOT_UNIT" "$BOOT_WANTS" "${BOOT_UNIT%/*}" 2>/dev/null
    return $code
}

drop_boot_unit() {
    rm -f "$BOOT_WANTS/$UNIT.service" "$BOOT_UNIT"
    # A directory that was made for the link alone goes with it.
    [ ! -e "$RUN/made-wants" ] || rmdir "$BOOT_WANTS" 2>/dev/null || :
}

remove_boot_unit() {
    [ -e "$BOOT_UNIT" ] || [ -L "$BOOT_WANTS/$UNIT.service" ] || return 0
    keeping_time "${BOOT_UNIT%/*}" keeping_time "$BOOT_WANTS" drop_boot_unit
}

# Starts a timer that fires in $1 seconds by a clock that nobody sets, and only then ends the one before.
start_timer() {
    local number old
    old=$(fact timer) number=$(($(fact timers) + 1))
    set_fact timers "$number" || return 1
    # shellcheck disable=SC2086  # options
    systemd-run --quiet --collect --unit="$UNIT-${RUN##*-}-$number" --on-active="$1" \
        --description="Restore what the run ${RUN##*/} of Plumbline left unconfirmed" \
        --timer-property=AccuracySec=1s --timer-property=RemainAfterElapse=no $SERVICE \
        /bin/sh "$GUARD" work "${RUN##*/}" timer < /dev/null > "$RUN/error" 2>&1 || return 1
    set_fact deadline "$(($(uptime_seconds) + $1))"
    set_fact timer "$UNIT-${RUN##*-}-$number"
    systemctl is-active -q "$UNIT-${RUN##*-}-$number.timer" || return 1
    [ -z "$old" ] || systemctl stop "$old.timer" 2>/dev/null || :
}

# How a restore runs: not ended by what it ends, tried again when it was cut off.
SERVICE="--service-type=oneshot --property=IgnoreOnIsolate=yes --property=OOMScoreAdjust=-900
    --property=TimeoutStartSec=1800 --property=Restart=on-failure --property=RestartSec=200ms
    --property=StartLimitIntervalSec=3600 --property=StartLimitBurst=30"

stop_timer() {
    local timer
    timer=$(fact timer)
    [ -z "$timer" ] || systemctl stop "$timer.timer" 2>/dev/null || :
}

seconds_left() {
    local left
    left=$(($(fact deadline) - $(uptime_seconds)))
    [ $left -gt 0 ] || left=0
    echo $left
}

verb_arm() {
    need_run "${1-}"
    case ${2-} in '' | *[!0-9]* | 0*) refuse usage "say in how many seconds" ;; esac
    need_snapshot
    case $(fact state) in
    begun) ;;
    armed) verb_extend "$@"; return ;;
    *) refuse state "the run $1 is $(fact state) and cannot be armed" ;;
    esac
    take_lock "$1"
    remember_connection
    if ! add_boot_unit || ! put "$ARMED" "$1" || ! start_timer "$2" || ! set_fact state armed; then
        stop_timer
        rm -f "$ARMED" "$ARMED.new"
        remove_boot_unit
        refuse failed "the host cannot be made to restore by itself: $(tail -n 1 "$RUN/error"); nothing was changed"
    fi
    journal arm "the run $1 of $(fact who) may change this host; it restores itself in $2 s unless confirmed"
    answer "\"seconds\":$2,\"changed\":0"
}

verb_extend() {
    need_run "${1-}"
    case ${2-} in '' | *[!0-9]* | 0*) refuse usage "say in how many seconds" ;; esac
    case $(fact state) in
    armed) ;;
    restoring | restored | partly) refuse too-late "the host is being restored or was, by its $(fact by)" ;;
    *) refuse state "the run $1 is $(fact state), there is nothing to extend" ;;
    esac
    take_lock "$1"
    remember_connection
    start_timer "$2" || refuse failed "the timer could not be set anew: $(tail -n 1 "$RUN/error")"
    answer "\"seconds\":$2,\"changed\":0"
}

# Writes what the run left in what it touched, against which a later undo compares.
keep_after() {
    rm -rf "$RUN/after"
    list_all "$RUN/after" && rm -rf "$RUN/after/tables.d" && : > "$RUN/after/whole" && sync "$RUN"/after/*
}

list_all() {
    mkdir -p "$1" && list_files "$1/files" && list_access "$1/access" && list_state "$1"
}

verb_disarm() {
    local changed
    need_run "${1-}"
    case $(fact state) in
    armed) ;;
    confirmed) settle; answer "\"seconds\":null,\"changed\":$(fact changed)"; return ;;
    restoring | restored | partly) refuse too-late "the host is being restored or was, by its $(fact by)" ;;
    *) refuse state "the run $1 is $(fact state), there is nothing to confirm" ;;
    esac
    if ! keep_after; then
        free_reserve
        keep_after || refuse space "what the run changed could not be written to $PLACE: is the disk full?"
    fi
    decide "$RUN/before/files" "$RUN/after/files" "$RUN/changed" && changed=$(wc -l < "$RUN/changed") ||
        refuse space "what the run changed could not be written to $PLACE: is the disk full?"
    set_fact changed "$changed"
    set_fact ended "$(now)"
    # From here on it is confirmed, also if the power goes now.
    set_fact state confirmed || refuse space "the run could not be confirmed: is the disk full?"
    settle
    journal confirm "the run $1 of $(fact who) was confirmed; it changed $changed paths"
    answer "\"seconds\":null,\"changed\":$changed"
}

# Takes away what stood ready for a restore; may be done again, also when another run is armed by now.
settle() {
    local armed
    armed=$(armed_run)
    stop_timer
    if [ -z "$armed" ] || [ "$armed" = "${RUN##*/}" ]; then
        rm -f "$ARMED"
        remove_boot_unit
        free_reserve
    fi
    give_back
    # Only now may it be told: who hears of it finds nothing of the run any more.
    [ ! -f "$RUN/result.ready" ] || mv -f "$RUN/result.ready" "$RUN/result"
    sync "$PLACE"
}
