# shellcheck shell=dash
# What the host is at work with: packages, units, kernel settings, rules, addresses. One file a kind, in $1/.

# Units that come and go with people and buses; nobody's run is to blame for them.
PASSING='^(user@|user-runtime-dir@|session-|run-|ssh@|sshd@|plumbline-|systemd-tmpfiles-clean|systemd-update-done)'
# Settings that the kernel counts on with, or that are two views of others.
COUNTING='^/proc/sys/(kernel/(ns_last_pid|tainted|random/|sched_domain)|fs/binfmt_misc/|vm/stat_refresh|net/netfilter/nf_log/)'

list_state() {
    mkdir -p "$1" || return 1
    list_packages > "$1/packages"
    list_units "$1"
    list_sysctls > "$1/sysctls"
    list_tables "$1"
    list_network > "$1/network"
    list_modules > "$1/modules"
    list_rfkill > "$1/rfkill"
}

list_packages() {
    dpkg-query -W -f '${Package}:${Architecture}\t${db:Status-Status}\t${Version}\n' 2>/dev/null |
        tr '\t' '\037' | awk -F "$FS" '$2 != "not-installed"' | sort
}

# Active units, and those that are on a bus and only come when they are called, unless a run said it touches them.
list_units() {
    systemctl show --property=Id,ActiveState,InvocationID,Type,UnitFileState '*.service' '*.socket' '*.timer' \
        '*.path' 2>/dev/null | awk -v FS== -v told="$RUN/scope/units" -v passing="$PASSING" -v place="$1" '
        BEGIN { while ((getline unit < told) > 0) named[unit] }
        function flush() {
            if (id != "" && active == "active" && id !~ passing &&
                !(type == "dbus" && file == "static" && !(id in named))) {
                print id "\037" "active" > (place "/units.new")
                print id "\037" invocation > (place "/invocations.new") }
            id = active = invocation = type = file = "" }
        /^$/ { flush() }
        $1 == "Id" { id = $2 } $1 == "ActiveState" { active = $2 } $1 == "InvocationID" { invocation = $2 }
        $1 == "Type" { type = $2 } $1 == "UnitFileState" { file = $2 }
        END { flush() }'
    sort "$1/units.new" > "$1/units" 2>/dev/null
    sort "$1/invocations.new" > "$1/invocations" 2>/dev/null
    rm -f "$1/units.new" "$1/invocations.new"
}

list_sysctls() {
    find /proc/sys -type f -perm -0600 -writable 2>/dev/null | grep -Ev "$COUNTING" | tr '\n' '\000' |
        xargs -0 -r grep -sH '' | awk '{ cut = index($0, ":"); key = substr($0, 1, cut - 1)
            lines[key]++; value[key] = substr($0, cut + 1) }
        END { for (key in lines) if (lines[key] == 1) print key "\037" value[key] }' | sort
}

# Each table by its name with a digest of what it says, counters aside; and its text in tables.d, to load again.
list_tables() {
    rm -rf "$1/tables.d"
    mkdir -p "$1/tables.d"
    : > "$1/tables"
    command -v nft >/dev/null && nft list ruleset > "$1/ruleset" 2>/dev/null || return 0
    nft -s list ruleset 2>/dev/null | split_tables "$1/tables.d" stateless
    split_tables "$1/tables.d" text < "$1/ruleset"
    local file
    for file in "$1"/tables.d/*.stateless; do
        [ -e "$file" ] || continue
        printf '%s\037%s\n' "$(sed -n '1s/^table \(.*\) {.*$/\1/p' "$file")" "$(sha256sum < "$file" | cut -c1-64)"
        mv -f "${file%.stateless}.text" "$1/tables.d/$(sed -n '1s/^table \(.*\) {.*$/\1/p' "$file" | tr '/ ' '__')"
        rm -f "$file"
    done | sort > "$1/tables"
}

split_tables() {
    awk -v place="$1" -v ending="$2" '/^table / { number++ } number { print > (place "/" number "." ending) }'
}

# Lines to be taken as a set: links, addresses, routes, rules; what the kernel makes of them itself is left out.
list_network() {
    command -v ip >/dev/null || return 0
    {
        ip -o link show | awk '{ name = $2; sub(/:$/, "", name); sub(/@.*/, "", name)
            print "link " name " " ($3 ~ /[<,]UP[,>]/ ? "up" : "down") }'
        ip -o addr show | awk '$3 ~ /^inet/ && !/ temporary / && !($3 == "inet6" && / scope link /) {
            print "addr " $2 " " $4 " " ($3 == "inet" && $5 == "brd" ? "brd " $6 : "") }'
        for family in 4 6; do
            ip -$family route show table all | sed -E 's/ (linkdown|dead|expires [0-9a-z]+|pref [a-z]+)//g; s/ +$//' |
                awk -v family=$family '!/^(local|broadcast|anycast|multicast|ff00) / && !/proto (kernel|ra)/ {
                    print "route " family " " $0 }'
            ip -$family rule show | sed "s/:[[:space:]]*/ /; s/^/rule $family /; s/ *$//"
        done
    } 2>/dev/null | awk '{ sub(/ +$/, ""); print $0 "\037" "there" }' | sort -u
}

list_modules() {
    systemd-detect-virt -cq && return 0
    awk '{ print $1 "\037" "loaded" }' /proc/modules | sort
}

list_rfkill() {
    local radio
    for radio in /sys/class/rfkill/*; do
        [ ! -r "$radio/soft" ] || printf '%s\037%s\n' "$radio" "$(cat "$radio/soft")"
    done | sort
}
