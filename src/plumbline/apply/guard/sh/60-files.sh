# shellcheck shell=dash
# Putting files back: staged from the snapshot, on the disk, then renamed over what is there.

# An item put back, or left: `back KIND NAME DID`, `left KIND NAME WHY`.
back() {
    printf '%s\037%s\037%s\037\n' "$1" "$2" "$3" >> "$RUN/back"
}

left() {
    printf '%s\037%s\037\037%s\n' "$1" "$2" "$3" >> "$RUN/left"
}

# Names of $1 (a list of decisions) that are to be put back: of a thing added (`no`) or one that was there (`yes`).
decided() {
    awk -F "$FS" -v before="$2" '$2 == "back" && $3 == before { print $1 }' "$1"
}

real_name() {
    case $1 in
    *"$NL"*) real=$(printf '%s.' "$1" | tr '\001' '\n') real=${real%.} ;;
    *) real=$1 ;;
    esac
}

put_files() {
    local todo=$1 work=$RUN/work stage=$RUN/stage
    rm -rf "$work" "$stage"
    mkdir -p "$work" "$stage" || return 1
    awk -F "$FS" '$2 == "back" { print "file" FS $1 FS ($3 == "no" ? "removed" : "put back") FS }' "$todo" >> "$RUN/back"
    decided "$todo" no | sort -r > "$work/added"
    remove_added < "$work/added"
    decided "$todo" yes > "$work/wanted"
    # Names of one inode are put back together, so that they are one again.
    awk -F "$FS" -v wanted="$work/wanted" 'BEGIN { while ((getline name < wanted) > 0) want[name] }
        { line[NR] = $0; if ($1 in want && $9 != "-") group[$9] }
        END { for (i = 1; i <= NR; i++) { split(line[i], part, FS)
            if (part[1] in want || part[9] in group) print line[i] } }' "$RUN/before/files" > "$work/lines"
    awk -F "$FS" '$2 == "d" { print $1 }' "$work/lines" > "$work/directories"
    awk -F "$FS" '$2 != "d" { print $1 }' "$work/lines" > "$work/others"
    at directories
    make_directories < "$work/directories"
    at staging
    nul_names < "$work/others" | whole_tar --extract --file="$RUN/files.tar" --directory="$stage" --null \
        --verbatim-files-from --no-recursion --same-owner --preserve-permissions --files-from=- 2> "$RUN/error"
    find "$stage" -type f -print0 | xargs -0 -r sync --
    at renaming
    awk -F "$FS" '$2 != "d" { print $1; print $9 }' "$work/lines" | rename_staged "$stage"
    at directory-times
    set_directories < "$work/directories"
    rm -rf "$stage" "$work"
}

remove_added() {
    local name real
    while IFS= read -r name; do
        real_name "$name"
        if [ -d "$real" ] && [ ! -L "$real" ]; then
            rmdir -- "$real" 2>/dev/null || left file "$name" "it was not there before and is not empty now"
        else
            rm -f -- "$real" 2>/dev/null || left file "$name" "it was not there before and cannot be removed"
        fi
    done
}

make_directories() {
    local name real
    while IFS= read -r name; do
        real_name "$name"
        [ ! -L "$real" ] && [ -d "$real" ] && continue
        rm -f -- "$real"
        mkdir -p -- "$real" || left file "$name" "the directory cannot be made"
    done
}

# Reads pairs of lines, a name and the first name of its inode, in order.
rename_staged() {
    local stage=$1 name first real source new
    while IFS= read -r name && IFS= read -r first; do
        real_name "$first"
        source=$real
        real_name "$name"
        new=${real%/*}/.plumbline-guard.$$
        mkdir -p -- "${real%/*}"
        [ ! -d "$real" ] || [ -L "$real" ] || rmdir -- "$real" 2>/dev/null
        rm -f -- "$new"
        if [ "$first" != - ] && [ "$first" != "$name" ]; then
            ln -T -- "$source" "$new"
        elif [ "$(stat -c %d -- "${real%/*}")" = "$(stat -c %d "$stage")" ]; then
            mv -fT -- "$stage$real" "$new"
        else
            cp -a --preserve=all -T -- "$stage$real" "$new" && { [ -L "$new" ] || [ ! -f "$new" ] || sync -- "$new"; }
        fi 2> "$RUN/error" && mv -fT -- "$new" "$real" 2> "$RUN/error" ||
            { rm -f -- "$new"; left file "$name" "$(tail -n 1 "$RUN/error")"; }
    done
}

# Gives directories that are there the owner, mode, ACL, attributes and time they had.
set_directories() {
    nul_names | whole_tar --extract --file="$RUN/files.tar" --absolute-names --directory=/ --null \
        --verbatim-files-from --no-recursion --same-owner --preserve-permissions --files-from=- 2> "$RUN/error"
}

# Once the names below are right, directories differ by their times alone, and each change to one changed it.
settle_directories() {
    list_files "$RUN/now/files"
    decide "$RUN/before/files" "$RUN/now/files" "$RUN/todo/files" || return 1
    decided "$RUN/todo/files" yes | with_type d > "$RUN/todo/directories"
    set_directories < "$RUN/todo/directories"
}

# Of the names on stdin those that were of this type before.
with_type() {
    awk -F "$FS" -v type="$1" 'NR == FNR { kind[$1] = $2; next } kind[$1] == type' "$RUN/before/files" -
}

put_access() {
    local todo=$1 name real line
    decided "$todo" yes | while IFS= read -r name; do
        real_name "$name"
        line=$(awk -F "$FS" -v name="$name" '$1 == name { print $2 " " $3 ":" $4 }' "$RUN/before/access")
        if [ ! -e "$real" ]; then
            left access "$name" "it is gone, and of it only mode and owner were kept"
        # Giving it an owner takes setuid away, so the mode comes after.
        elif chown -- "${line#* }" "$real" && chmod -- "${line% *}" "$real"; then
            back access "$name" "mode and owner put back"
        else
            left access "$name" "its mode or owner cannot be set"
        fi
    done
}
