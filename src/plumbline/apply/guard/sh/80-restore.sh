# shellcheck shell=dash
# A restore from beginning to end; cut off anywhere, it is begun again and comes to the same.

KINDS="packages files access tables network modules rfkill sysctls units"

# Lists what is now, and decides what of it is to be put back.
look() {
    local kind
    mkdir -p "$RUN/now" "$RUN/todo" || return 1
    list_all "$RUN/now" || return 1
    for kind in $KINDS; do
        decide_kind "$kind" || return 1
    done
}

# Into `todo/KIND`; in an undo (AFTER is set) files are compared without times.
decide_kind() {
    local list
    if [ "$1" = files ] && [ -n "${AFTER-}" ]; then
        for list in before now after; do timeless "$RUN/$list/files" > "$RUN/todo/$list"; done
        decide "$RUN/todo/before" "$RUN/todo/now" "$RUN/todo/files" "$RUN/todo/after"
    else
        decide "$RUN/before/$1" "$RUN/now/$1" "$RUN/todo/$1" "${AFTER:+$AFTER/$1}"
    fi
}

# Work that both a restore and an undo do, in the order in which one needs the other.
put_back() {
    at packages
    put_packages "$RUN/todo/packages"
    # Scripts of packages have changed files.
    [ ! -s "$RUN/todo/packages" ] || { list_files "$RUN/now/files"; decide_kind files; }
    at files
    if [ -s "$RUN/todo/files" ]; then
        put_files "$RUN/todo/files" || return 1
    fi
    put_access "$RUN/todo/access"
    [ -n "${AFTER-}" ] || settle_directories
    put_running
}

put_running() {
    local kind
    at live
    timeout 60 systemctl daemon-reload 2>/dev/null
    list_state "$RUN/now"
    for kind in modules rfkill tables network sysctls units; do decide_kind $kind; done
    put_modules "$RUN/todo/modules"
    put_tables "$RUN/todo/tables"
    put_network "$RUN/todo/network"
    at units
    put_units "$RUN/todo/units"
    put_rfkill "$RUN/todo/rfkill"
    put_sysctls "$RUN/todo/sysctls"
    # What was started may have brought rules and addresses of its own.
    list_tables "$RUN/now" && decide_kind tables && put_tables "$RUN/todo/tables"
    list_network > "$RUN/now/network" && decide_kind network && put_network "$RUN/todo/network"
    if grep -q "^file$FS/etc/audit/" "$RUN/back" 2>/dev/null && systemctl is-active -q auditd.service; then
        # It refuses to be restarted, and reads its rules and settings so.
        timeout 20 augenrules --load > /dev/null 2>&1
        systemctl kill --signal=HUP --kill-who=main auditd.service 2>/dev/null
    fi
}

# What differs still, after all was done, is told; what is right by now is not.
check() {
    local kind
    at checking
    look || return 1
    awk -F "$FS" '$1 == "process" || $1 == "access"' "$RUN/left" > "$RUN/left.new" || return 1
    # Mode and owner of what is gone cannot be looked at.
    : > "$RUN/todo/access"
    for kind in $KINDS; do
        awk -F "$FS" -v kind="${kind%s}" -v said="$RUN/left" 'BEGIN { while ((getline line < said) > 0) {
                split(line, part, FS); why[part[1] FS part[2]] = part[4] } }
            $2 == "back" {
                key = kind FS $1
                reason = (kind == "file" && $3 == "no") ? "it has come again" : "it differs from what it was"
                if (key in why) reason = why[key]
                # A unit that others have called since is nothing that was left.
                if (kind != "unit" || $3 == "yes" || (key in why)) print kind FS $1 FS FS reason }' \
            "$RUN/todo/$kind" >> "$RUN/left.new" || return 1
    done
    sort -u -o "$RUN/left" "$RUN/left.new" && rm -f "$RUN/left.new" && without_left
}

# What was put back, each once, without what was left.
without_left() {
    awk -F "$FS" -v left="$RUN/left" 'BEGIN { while ((getline line < left) > 0) {
            split(line, part, FS); wrong[part[1] FS part[2]] } }
        !(($1 FS $2) in wrong) && !seen[$1 FS $2]++' "$RUN/back" > "$RUN/back.new" && mv -f "$RUN/back.new" "$RUN/back"
}

# `work RUN BY`, run by systemd: restores once it is time, unless the run was confirmed or is restored.
verb_work() {
    need_run "${1-}"
    case $(fact state) in
    begun | armed) [ "$2" != timer ] || [ "$(seconds_left)" -le 2 ] || return 0 ;;
    restoring) ;;
    *) settle; return 0 ;;
    esac
    begin_restore "$2"
    at ending
    end_run "$2"
    free_reserve
    if [ -f "$RUN/whole" ]; then
        at looking
        look && put_back && check || return 1
    else
        left file "$RUN" "the snapshot is gone, nothing could be put back"
    fi
    finish
}

# From here on the run cannot be confirmed, also after a power cut.
begin_restore() {
    [ "$(fact state)" != restoring ] || return 0
    # A disk that is full cannot take even this.
    set_fact restore-began "$(now)" || { free_reserve; set_fact restore-began "$(now)"; }
    set_fact by "$1"
    set_fact state restoring
    : > "$RUN/back"
    : > "$RUN/left"
    put "$ARMED" "${RUN##*/}"
    journal restore "the run ${RUN##*/} of $(fact who) is undone, by $1" 4
}

finish() {
    local state=restored line
    [ ! -s "$RUN/left" ] || state=partly
    set_fact ended "$(now)"
    line=$(result_line "$state") && put "$RUN/result.ready" "$line" || return 1
    # All that was written is on the disk before anything says that it is.
    sync
    not_undone || return 1
    set_fact state "$state" || return 1
    settle
    journal restored "the run ${RUN##*/} was undone; $(wc -l < "$RUN/left") things could not be put back" 4
    rm -rf "$RUN/now" "$RUN/todo" "$RUN/at"
    forget
}

# A run that this one undid stands as it was confirmed again.
not_undone() {
    local ours=$RUN code=0
    RUN=$RUNS/$(fact undoes)
    if [ "$RUN" != "$RUNS/" ] && [ -f "$RUN/meta" ]; then
        set_fact rolled-back '' || code=1
    fi
    RUN=$ours
    return $code
}

result_line() {
    VERB=restore
    answer "\"state\":\"$1\",\"by\":\"$(fact by)\",\"began\":\"$(fact restore-began)\",\"ended\":\"$(fact ended)\",\"back\":$(
        json_items "$RUN/back"),\"left\":$(json_items "$RUN/left")"
}

# At boot, before the network: the files, from which all else starts; then the rest, when the host is up.
verb_boot() {
    local id
    id=$(armed_run)
    RUN=$RUNS/$id
    if [ -z "$id" ] || [ ! -f "$RUN/meta" ]; then
        rm -f "$BOOT_WANTS/$UNIT.service" "$BOOT_UNIT" "$ARMED"
        return 0
    fi
    # Of a run that stands ready and does not know its state it is not known that it was confirmed.
    case $(fact state) in
    armed | restoring | '') ;;
    *) settle; return 0 ;;
    esac
    begin_restore boot
    free_reserve
    mkdir -p "$RUN/now" "$RUN/todo"
    list_files "$RUN/now/files"
    decide_kind files
    [ ! -s "$RUN/todo/files" ] || put_files "$RUN/todo/files"
    settle_directories
    sync
    # What was read of units before this is old, and units to start may be among what came back.
    timeout 60 systemctl daemon-reload
    timeout 20 systemctl --no-block start default.target
    # shellcheck disable=SC2086  # options
    systemd-run --quiet --collect --no-block --unit="$UNIT-late" $SERVICE --property=After=multi-user.target \
        /bin/sh "$GUARD" work "$id" boot
}

# Lets systemd do it, so that it goes on without us, and waits for what it comes to.
verb_restore() {
    local state
    need_run "${1-}"
    state=$(fact state)
    case $state in
    begun | armed | restoring)
        # One that is at it already, by the timer say, goes first; this one then finds nothing to do.
        # shellcheck disable=SC2086  # options
        systemd-run --quiet --collect --no-block --unit="$UNIT-${1##*-}-now" $SERVICE \
            /bin/sh "$GUARD" work "$1" command < /dev/null 2> "$RUN/error" || at_work "$UNIT-${1##*-}-now" ||
            refuse failed "the restore cannot be started: $(tail -n 1 "$RUN/error")" ;;
    restored | partly) ;;
    *) refuse state "the run $1 is $state, there is nothing to restore" ;;
    esac
    verb_result "$1" 880
}

at_work() {
    case $(systemctl show --property=ActiveState --value "$1.service") in active | activating) ;; *) return 1 ;; esac
}

verb_result() {
    local waited=0
    need_run "${1-}"
    while :; do
        case $(fact state) in
        restored | partly) [ ! -f "$RUN/result" ] || { cat "$RUN/result"; return; } ;;
        confirmed | abandoned) refuse state "the run $1 is $(fact state), it was not restored" ;;
        esac
        [ $waited -lt $((${2:-0} * 5)) ] || refuse state "the restore of the run $1 has not ended ($(fact state))"
        waited=$((waited + 1))
        sleep 0.2
    done
}
