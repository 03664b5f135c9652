# shellcheck shell=dash
# Undoing a confirmed run later: only what is now as that run left it; what others changed since is told.

# Why something is left: for each kind, what the lists say.
tell_left() {
    awk -F "$FS" -v kind="$2" '$2 == "left" {
        print kind FS $1 FS FS "somebody has " ($4 == "no" ? "removed" : "changed") " it since" }' "$1" >> "$RUN/left"
}

tell_would() {
    awk -F "$FS" -v kind="$2" '$2 == "back" { print kind FS $1 FS ($3 == "no" ? "removed" : "put back") FS }' "$1" >> "$RUN/back"
}

# Packages that are not kept cannot come back; said in a dry run too.
tell_packages_left() {
    local name verdict before is version
    while IFS=$FS read -r name verdict before is; do
        [ "$verdict" = back ] && [ "$before" = yes ] || continue
        version=$(awk -F "$FS" -v name="$name" '$1 == name { print $3 }' "$RUN/before/packages")
        cached "${name%:*}" "$version" "${name##*:}" > /dev/null ||
            left package "$name" "its version ${version:-before} is not kept on the host"
    done < "$RUN/todo/packages"
}

verb_rollback() {
    local kind file
    need_run "${1-}"
    case $(fact state) in
    confirmed) ;;
    restored | partly) refuse state "the run $1 was restored already, there is nothing to undo" ;;
    *) refuse state "the run $1 is $(fact state), it can only be undone when it was confirmed" ;;
    esac
    need_snapshot
    [ -f "$RUN/after/whole" ] || refuse state "what the run $1 left was not kept, so nobody can tell what is its own"
    [ -z "$(fact rolled-back)" ] || refuse state "the run $1 was undone at $(fact rolled-back)"
    AFTER=$RUN/after
    : > "$RUN/back"
    : > "$RUN/left"
    # Addresses and modules come and go with the host's restarts; an undo leaves those of now.
    KINDS="packages files access tables sysctls units"
    look || refuse space "nothing can be written to $PLACE: is the disk full?"
    : > "$RUN/todo/network"; : > "$RUN/todo/modules"; : > "$RUN/todo/rfkill"
    for kind in $KINDS; do
        tell_left "$RUN/todo/$kind" "$(one_of "$kind")" || refuse failed "it cannot be told what others changed"
    done
    if [ "${2-}" = --dry ]; then
        for kind in $KINDS; do tell_would "$RUN/todo/$kind" "$(one_of "$kind")"; done
        tell_packages_left
        rollback_line true
    else
        journal rollback "the run $1 of $(fact who) is undone" 4
        for kind in $KINDS; do tell_would "$RUN/todo/$kind" "$(one_of "$kind")"; done
        put_back && check || refuse failed "the run could not be undone: $(tail -n 1 "$RUN/error")"
        for kind in $KINDS; do tell_left "$RUN/todo/$kind" "$(one_of "$kind")"; done
        sync
        set_fact rolled-back "$(now)"
        rollback_line false
    fi
    rm -rf "$RUN/now" "$RUN/todo" "$RUN/at"
}

one_of() {
    case $1 in access) echo access ;; *) echo "${1%s}" ;; esac
}

rollback_line() {
    sort -u -o "$RUN/left" "$RUN/left" && without_left
    answer "\"dry\":$1,\"back\":$(json_items "$RUN/back"),\"left\":$(json_items "$RUN/left")"
}
