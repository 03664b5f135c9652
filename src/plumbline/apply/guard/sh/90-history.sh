# shellcheck shell=dash
# What the host remembers of runs, and where it stands.

history_entry() {
    local undoable=false
    [ "$(fact state)" != confirmed ] || [ -n "$(fact rolled-back)" ] || [ ! -f "$RUN/whole" ] ||
        [ ! -f "$RUN/after/whole" ] || undoable=true
    printf '{"run":%s,"state":%s,"who":%s,"controller":%s,"plan":%s,"began":%s,"ended":%s,"by":%s,"changed":%s,"rolled_back":%s,"undoable":%s}' \
        "$(json "${RUN##*/}")" "$(json "$(fact state)")" "$(json "$(fact who)")" "$(json "$(fact controller)")" \
        "$(json "$(fact plan)")" "$(json "$(fact began)")" "$(json "$(fact ended)")" "$(json "$(fact by)")" \
        "$(printf '%d' "$(fact changed)" 2>/dev/null)" "$(json "$(fact rolled-back)")" "$undoable"
}

# Runs, the newest first; one that has not its name yet was never begun.
all_runs() {
    find "$RUNS" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort -r
}

verb_history() {
    local id list='' entry
    for id in $(all_runs); do
        RUN=$RUNS/$id
        [ -f "$RUN/meta" ] || continue
        entry=$(history_entry)
        list="$list${list:+,}$entry"
    done
    RUN=
    answer "\"runs\":[$list]"
}

verb_status() {
    local id armed=false seconds=null restoring=false at='' lock=null last=null entry
    id=$(armed_run)
    if [ -e "$LOCK" ]; then
        lock=$(printf '{"run":%s,"who":%s,"since":%s,"alive":%s}' "$(json "$(lock_fact run)")" "$(json "$(lock_fact who)")" \
            "$(json "$(lock_fact since)")" "$(lock_alive && echo true || echo false)")
        [ -n "$id" ] || id=$(lock_fact run)
    fi
    for entry in $(all_runs); do
        RUN=$RUNS/$entry
        case $(fact state) in
        restored | partly | confirmed | abandoned) last=$(history_entry); break ;;
        esac
    done
    RUN=$RUNS/$id
    if [ -n "$id" ] && [ -f "$RUN/meta" ]; then
        case $(fact state) in
        armed) armed=true seconds=$(seconds_left) ;;
        restoring) restoring=true at=$(cat "$RUN/at" 2>/dev/null) ;;
        esac
    fi
    answer "\"program\":\"$(sha256sum < "$GUARD" | cut -c1-64)\",\"boot\":\"$(boot_id)\",\"lock\":$lock,\"armed\":$armed,\"seconds\":$seconds,\"restoring\":$restoring,\"at\":$(json "$at"),\"last\":$last"
}

verb_prune() {
    local id kept=0
    case ${1-} in '' | *[!0-9]*) refuse usage "say how many to keep" ;; esac
    for id in $(all_runs); do
        RUN=$RUNS/$id
        case $(fact state) in
        restored | partly | confirmed | abandoned)
            kept=$((kept + 1))
            [ $kept -le "$1" ] || forget ;;
        esac
    done
    rm -rf "$RUNS"/.new-*
    RUN=
    answer
}
