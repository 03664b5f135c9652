# shellcheck shell=dash
# What is on the host, as lines `name FS value…`, sorted, that two of can be compared.

# Files of ours that are no part of what is kept.
OWN="-path $BOOT_UNIT -o -path $BOOT_WANTS/$UNIT.service -o -name .plumbline-guard*"

# The directory that was made for a link of ours alone, if there is one.
ours() {
    [ ! -e "$RUN/made-wants" ] || printf '%s' "$BOOT_WANTS"
}

# The roots of what is kept and there now, NUL-ended: /etc and what was named.
roots() {
    { echo /etc; cat "$RUN/scope/paths"; } | nul_names | xargs -0 sh -c '
        for path; do [ ! -e "$path" ] && [ ! -L "$path" ] || printf "%s\0" "$path"; done' roots
}

# tar with all that a file has beside its content.
whole_tar() {
    tar --acls --xattrs --xattrs-include='*' --format=posix --one-file-system --warning=no-file-ignored \
        --warning=no-xattr-write "$@"
}

# All below the roots, as a tar on stdout. Exit code 1: a file changed while it was read.
pack() {
    roots | whole_tar --create --sparse --null --verbatim-files-from --absolute-names \
        --exclude="$BOOT_UNIT" --exclude="$BOOT_WANTS/$UNIT.service" --exclude='.plumbline-guard*' \
        --files-from=-
}

# Names in a tar listing (-tvv) that have an ACL or extended attributes, which no other tool here can list.
marked() {
    awk 'function flush() { if (marks && name != "") print name; marks = 0 }
        /^  [ax]: / { marks = 1; next }
        { flush(); kind = substr($0, 1, 1); name = $0; sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ /, "", name)
          if (kind == "l") sub(/ -> .*/, "", name); if (kind == "h") name = ""
          if (kind == "d") sub(/\/$/, "", name) }
        END { flush() }' | while IFS= read -r name; do
        printf '%b' "$name" | tr '\n' '\001'
        echo
    done
}

# `digest  name` of those: all that tar knows of it but times.
attributes() {
    local name real
    while IFS= read -r name; do
        real=$(printf '%s.' "$name" | tr '\001' '\n')
        printf '%s  %s\n' "$(whole_tar --create --no-recursion --mtime=@0 --absolute-names \
            --pax-option='delete=atime,delete=ctime,exthdr.name=x' -- "${real%.}" 2>/dev/null |
            sha256sum | cut -c1-64)" "$name"
    done
}

# Lists the files to $1: name, type, mode, owner, group, time, content, attributes, first name of its inode.
# $2: a tar made just now, whose listing saves making one more.
list_files() {
    local out=$1 tar=${2-}
    set -f
    # shellcheck disable=SC2086  # OWN is words of an expression
    roots | xargs -0 -r sh -c 'own=$1; shift; set -f; find "$@" -xdev \( $own \) -prune -o \
        -printf "%p\037%y\037%m\037%U\037%G\037%T@\037%D:%i\037%n\037%l\0"' find "$OWN" |
        tr '\000\n' '\n\001' | sort -u > "$out.found"
    set +f
    awk -F "$FS" '$2 == "f" { print $1 }' "$out.found" | nul_names |
        xargs -0 -r sha256sum -z -- 2>/dev/null | tr '\000\n' '\n\001' > "$out.sums"
    if [ -n "$tar" ]; then whole_tar --list -vv --file="$tar"; else pack | whole_tar --list -vv; fi \
        2>/dev/null | marked | attributes > "$out.attributes"
    awk -F "$FS" -v sums="$out.sums" -v attributes="$out.attributes" -v ours="$(ours)" 'BEGIN { OFS = FS
            while ((getline line < sums) > 0) sum[substr(line, 67)] = substr(line, 1, 64)
            while ((getline line < attributes) > 0) more[substr(line, 67)] = substr(line, 1, 64) }
        $1 == ours { next }
        { content = $2 == "f" ? sum[$1] : $2 == "l" ? $9 : "-"; first = "-"
          if ($2 != "d" && $8 > 1) { if (!($7 in seen)) seen[$7] = $1; first = seen[$7] }
          print $1, $2, $3, $4, $5, $6, content, (($1 in more) ? more[$1] : "-"), first }' "$out.found" > "$out" ||
        return 1
    rm -f "$out.found" "$out.sums" "$out.attributes"
}

# Lists to $1 mode and owner of what only these were said to be changed of.
list_access() {
    nul_names < "$RUN/scope/access" | xargs -0 -r sh -c '
        for path; do [ ! -e "$path" ] || [ -L "$path" ] || stat --printf "%n\037%a\037%u\037%g\0" -- "$path"; done' \
        stat | tr '\000\n' '\n\001' | sort -u > "$1"
}

# What is to be put back: `decide BEFORE NOW OUT [AFTER]` writes `name FS back|left FS before? FS now?`. Without
# AFTER all that differs is put back; with it, what the run had changed and nobody else since.
decide() {
    [ -f "$1" ] && [ -f "$2" ] && [ -f "${4:-$1}" ] || return 1
    awk -F "$FS" -v before="$1" -v now="$2" -v after="${4-}" 'BEGIN { OFS = FS
            while ((getline line < before) > 0) { take(line); was[name] = value; all[name] }
            while ((getline line < now) > 0) { take(line); is[name] = value; all[name] }
            if (after != "") while ((getline line < after) > 0) { take(line); left[name] = value; all[name] }
            for (name in all) {
                if (same(was, is)) continue
                verdict = "back"
                if (after != "" && same(was, left)) continue
                if (after != "" && !same(left, is)) verdict = "left"
                print name, verdict, ((name in was) ? "yes" : "no"), ((name in is) ? "yes" : "no") } }
        function take(line) { cut = index(line, FS); name = substr(line, 1, cut - 1); value = substr(line, cut + 1) }
        function same(a, b) { return (name in a) == (name in b) && (!(name in a) || a[name] == b[name]) }' \
        > "$3.new" && sort -o "$3" "$3.new" && rm -f "$3.new"
}

# A listing of files without what may differ although nobody changed them: times.
timeless() {
    awk -F "$FS" 'BEGIN { OFS = FS } { $6 = "-"; print }' "$1"
}
