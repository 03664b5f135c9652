# shellcheck shell=dash
# Keeping what the host is: into a directory that gets its name when all of it is on the disk.

# Sorts what the operations said they touch, from stdin, into files of the new run.
read_request() {
    local key value
    mkdir -p "$RUN/scope" || return 1
    for key in paths access units sysctls packages; do
        : > "$RUN/scope/$key.new"
    done
    : > "$RUN/meta"
    echo /var/lib/apt/extended_states > "$RUN/scope/paths.new"
    while IFS= read -r line; do
        key=${line%% *} value=${line#* }
        case $key in
        who | plan | controller) printf '%s %s\n' "$key" "$value" >> "$RUN/meta" ;;
        paths)
            # A `*` stands for the names there are; of other signs a shell knows, none does.
            # shellcheck disable=SC2086  # as said
            case $value in
            *[?[]*) printf '%s\n' "$value" ;;
            *\**) IFS='' && set +f && printf '%s\n' $value && unset IFS ;;
            *) printf '%s\n' "$value" ;;
            esac >> "$RUN/scope/paths.new" ;;
        access | units | sysctls | packages) printf '%s\n' "$value" >> "$RUN/scope/$key.new" ;;
        scope_of)
            printf 'undoes %s\n' "$value" >> "$RUN/meta"
            for key in paths access units sysctls packages; do
                cat "$RUNS/$value/scope/$key" >> "$RUN/scope/$key.new" 2>/dev/null || :
            done ;;
        esac
    done
    # What is below /etc is kept anyway, and a root that is no path of its own would be the whole disk.
    for key in paths access; do
        sort -u "$RUN/scope/$key.new" | grep '^/.' | grep -v '^/etc\(/\|$\)' > "$RUN/scope/$key"
    done
    for key in units sysctls packages; do
        sort -u "$RUN/scope/$key.new" > "$RUN/scope/$key"
    done
    rm -f "$RUN"/scope/*.new
}

kib_free() {
    df -Pk "$1" | awk 'NR == 2 { print $4 }'
}

# What a restore may need when the disk is full: room for the files beside their old ones, and for dpkg's lists.
reserve_kib() {
    local dpkg
    dpkg=$(stat -c %s /var/lib/dpkg/status 2>/dev/null || echo 0)
    echo $((4096 + 2 * $(stat -c %s "$RUN/files.tar") / 1024 + 3 * dpkg / 1024))
}

allocate() {
    fallocate -l "${2}KiB" "$1" 2>/dev/null && return 0
    dd if=/dev/zero of="$1" bs=1024 count="$2" 2>/dev/null && return 0
    rm -f "$1"
    return 1
}

# The reserve is made last: where there is room for it, nothing before it was cut short by a full disk.
make_reserve() {
    local kib
    kib=$(reserve_kib)
    allocate "$RUN/reserve" "$kib" || return 1
    if [ "$(stat -c %d /etc)" != "$(stat -c %d "$RUN")" ]; then
        keeping_time /etc allocate /etc/.plumbline-guard.reserve "$kib" || return 1
    fi
}

free_reserve() {
    rm -f "$RUN/reserve"
    [ ! -e /etc/.plumbline-guard.reserve ] || keeping_time /etc rm -f /etc/.plumbline-guard.reserve
}

# The tar of all files: again when one changed while it was read.
keep_files() {
    local try code
    for try in 1 2 3 4; do
        pack > "$RUN/files.tar" 2> "$RUN/error"
        code=$?
        [ $code = 0 ] && return 0
        [ $code = 1 ] || return 1
        [ "$try" != 3 ] || sleep 1
    done
    # What changes all the time is kept as it was read.
    return 0
}

snapshot() {
    local kib
    read_request || return 1
    kib=$(roots | du -skx --files0-from=- 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
    [ "$(kib_free "$RUN")" -gt $((3 * kib + 16384)) ] || { CRAMPED=yes; return 1; }
    keep_files || return 1
    mkdir -p "$RUN/before" || return 1
    list_files "$RUN/before/files" "$RUN/files.tar" || return 1
    list_access "$RUN/before/access" || return 1
    list_state "$RUN/before" || return 1
    keep_packages || return 1
    remember_connection
    make_reserve || { CRAMPED=yes; return 1; }
    # Whatever the tar or a list lacks shows here.
    [ -s "$RUN/before/files" ] && whole_tar --list --file="$RUN/files.tar" > /dev/null 2>&1 || return 1
    sync "$RUN"/before/* "$RUN"/scope/* "$RUN/files.tar" "$RUN/reserve" "$RUN/meta" 2>/dev/null
    : > "$RUN/whole" && sync "$RUN/whole" "$RUN"
}

verb_begin() {
    local id=${1-} began seen why
    CRAMPED=
    [ -n "$id" ] || refuse usage "say which run"
    RUN=$RUNS/$id
    [ ! -e "$RUN/meta" ] || refuse state "the run $id was begun before"
    take_lock "$id"
    began=$(date +%s%3N)
    # What a begin before left when it was cut off.
    rm -rf "$RUNS"/.new-*
    RUN=$RUNS/.new-$id
    mkdir -p "$RUN" || refuse space "nothing can be written to $PLACE: is the disk full? Nothing was changed"
    CANNOT=$RUN/cannot
    : > "$CANNOT"
    if ! snapshot; then
        seen=$(kib_free "$PLACE")
        why=$(tail -n 1 "$RUN/error" 2>/dev/null)
        free_reserve
        rm -rf "$RUN"
        RUN=$RUNS/$id
        give_back
        [ -n "$CRAMPED" ] || [ "$seen" -lt 4096 ] ||
            refuse failed "what this host is now could not be kept${why:+ ($why)}; nothing was changed"
        refuse space "what this host is now could not be kept in $PLACE ($((seen / 1024)) MiB are free); nothing was changed"
    fi
    set_fact began "$(now)"
    set_fact who "$(lock_or_said)"
    take_lock "$id" "$(fact who)"
    set_fact boot "$(boot_id)"
    set_fact state begun
    mv -T "$RUN" "$RUNS/$id" && sync "$RUNS" || refuse space "the snapshot could not be put in place; nothing was changed"
    RUN=$RUNS/$id
    journal begin "a snapshot was taken for the run $id of $(fact who)" 6
    answer "\"files\":$(wc -l < "$RUN/before/files"),\"bytes\":$(stat -c %s "$RUN/files.tar"),\"milliseconds\":$((\
        $(date +%s%3N) - began)),\"cannot\":[$(awk 'NR > 1 { printf "," } { gsub(/["\\]/, "\\\\&"); printf "\"%s\"", $0 }' \
        "$RUN/cannot")]"
}

lock_or_said() {
    local who
    who=$(fact who)
    printf '%s\n' "${who:-$(lock_fact who)}"
}

# Drops the snapshot of a run; its history stays.
forget() {
    [ -n "$RUN" ] || return 1
    rm -f "$RUN/whole"
    free_reserve
    rm -rf "$RUN/scope" "$RUN/before" "$RUN/after" "$RUN/now" "$RUN/debs" "$RUN/stage" "$RUN/files.tar"
}
