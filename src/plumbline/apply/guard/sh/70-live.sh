# shellcheck shell=dash
# Putting back what runs: rules, addresses, kernel settings, units.

# Replaces the tables that differ, in one transaction; the others keep their counters and their dynamic sets.
put_tables() {
    local todo=$1 name verdict before is batch=$RUN/tables.nft
    [ -s "$todo" ] || return 0
    : > "$batch"
    while IFS=$FS read -r name verdict before is; do
        [ "$verdict" = back ] || continue
        [ "$is" = no ] || printf 'delete table %s\n' "$name" >> "$batch"
        [ "$before" = no ] || cat "$RUN/before/tables.d/$(printf '%s' "$name" | tr '/ ' '__')" >> "$batch"
        back table "$name" "$([ "$before" = no ] && echo removed || echo "put back")"
    done < "$todo"
    nft -f "$batch" 2> "$RUN/error" || left table "$(decided "$todo" yes | tr '\n' ' ')" "$(head -n 1 "$RUN/error")"
    rm -f "$batch"
}

put_network() {
    local todo=$1 line
    if network_files_changed; then
        ! systemctl is-active -q systemd-networkd.service || timeout 20 networkctl reload 2>/dev/null
    fi
    [ -s "$todo" ] || return 0
    decided "$todo" yes | grep '^link .* up$' | network_lines up
    decided "$todo" yes | grep '^addr ' | network_lines add
    decided "$todo" yes | grep '^route ' | network_lines add
    decided "$todo" yes | grep '^rule ' | network_lines add
    decided "$todo" no | sort -r | grep -v '^link ' | network_lines del
    decided "$todo" yes | grep '^link .* down$' | network_lines down
}

network_files_changed() {
    grep -q "^file$FS/etc/\(systemd/network\|systemd/networkd\|network/\|NetworkManager\|netplan\)" "$RUN/back" 2>/dev/null
}

# shellcheck disable=SC2086  # lines of words, as ip printed them
network_lines() {
    local did=$1 kind rest told
    while IFS= read -r told; do
        kind=${told%% *} rest=${told#* }
        case $kind in
        link) ip link set dev ${rest% *} ${rest##* } ;;
        addr) set -- $rest && if [ "$did" = add ]; then ip addr replace $2 ${3-} ${4-} dev "$1"; else ip addr del $2 dev "$1"; fi ;;
        route) set -- $rest && family=$1 && shift && ip -$family route "$([ "$did" = add ] && echo replace || echo del)" "$@" ;;
        rule) set -- $rest && family=$1 && pref=$2 && shift 2 && ip -$family rule "$did" pref "$pref" "$@" ;;
        esac 2> "$RUN/error" && back network "$told" "$did" || left_network "$told"
    done
}

# What somebody else has just set right, networkd say, is no failure: the check at the end tells.
left_network() {
    printf '%s\037%s\n' "$1" "$(tail -n 1 "$RUN/error")" >> "$RUN/network-failed"
}

# Settings that change others are written first; so it takes more than one round.
put_sysctls() {
    local todo=$1 round key
    [ -s "$todo" ] || return 0
    awk -F "$FS" '$2 == "back" && $3 == "yes" && $4 == "yes" { print "sysctl" FS $1 FS "put back" FS }' "$todo" >> "$RUN/back"
    for round in 1 2 3; do
        decided "$todo" yes | awk '{ print (/ip_forward$|\/all\/|forwarding$/ ? 0 : /\/default\// ? 1 : 2) " " $0 }' |
            sort | cut -d' ' -f2- | while IFS= read -r key; do
            [ ! -w "$key" ] || awk -F "$FS" -v key="$key" '$1 == key { print $2 }' "$RUN/before/sysctls" > "$key"
        done 2>/dev/null
        list_sysctls > "$RUN/now/sysctls"
        [ "$round" = 3 ] || decide "$RUN/before/sysctls" "$RUN/now/sysctls" "$todo" "${AFTER:+$AFTER/sysctls}"
        [ -s "$todo" ] || break
    done
}

put_modules() {
    local name
    decided "$1" yes | while IFS= read -r name; do
        modprobe -q "$name" 2>/dev/null && back module "$name" loaded || left module "$name" "it cannot be loaded"
    done
    decided "$1" no | while IFS= read -r name; do
        modprobe -q -r "$name" 2>/dev/null && back module "$name" unloaded || :
    done
}

put_rfkill() {
    local name
    decided "$1" yes | while IFS= read -r name; do
        awk -F "$FS" -v name="$name" '$1 == name { print $2 }' "$RUN/before/rfkill" > "$name/soft" &&
            back rfkill "$name" "put back"
    done
}

systemctl_bounded() {
    timeout --kill-after=5 $STEP_SECONDS systemctl --quiet "$@" < /dev/null > /dev/null 2> "$RUN/error"
}

# Units that ran before run again, others end; those that read what was put back, or were started meanwhile, anew.
put_units() {
    local todo=$1 unit
    decided "$todo" yes | sort -r | while IFS= read -r unit; do
        systemctl reset-failed "$unit" 2>/dev/null
        if systemctl_bounded start "$unit"; then back unit "$unit" started; else left unit "$unit" "it does not start"; fi
    done
    decided "$todo" no | while IFS= read -r unit; do
        if systemctl_bounded stop "$unit"; then back unit "$unit" stopped; else left unit "$unit" "it does not stop"; fi
    done
    restarted | while IFS= read -r unit; do
        if systemctl_bounded try-restart "$unit"; then back unit "$unit" restarted; else left unit "$unit" "it does not start again"; fi
    done
}

# Units to restart: they run and ran before, and files were put back that they read, or were told to read.
restarted() {
    # After a restart of the host all was started from what was put back before.
    [ "$(fact boot)" = "$(boot_id)" ] || return 0
    grep -q "^\(file\|package\)$FS" "$RUN/back" 2>/dev/null || return 0
    {
        cat "$RUN/scope/units"
        # Started anew since the snapshot: maybe by what was written meanwhile.
        awk -F "$FS" 'NR == FNR { was[$1] = $2; next } $1 ~ /\.service$/ && $1 in was && was[$1] != $2 {
            print $1 }' \
            "$RUN/before/invocations" "$RUN/now/invocations"
        awk -F "$FS" '$1 == "file" && sub("^/etc/", "", $2) {
            if ($2 ~ /^ssh\//) { print "ssh.service"; print "sshd.service" }
            if ($2 ~ /^systemd\/journald/) print "systemd-journald.service"
            if ($2 ~ /^systemd\/logind/) print "systemd-logind.service"
            if ($2 ~ /^systemd\/resolved/) print "systemd-resolved.service"
            if ($2 ~ /^systemd\/timesyncd/) print "systemd-timesyncd.service"
            if ($2 ~ /^rsyslog/) print "rsyslog.service"
            if ($2 ~ /^chrony\//) { print "chrony.service" }
            if ($2 ~ /^sssd\//) print "sssd.service"
            if ($2 ~ /^systemd\/system\/.*\.service(\.d\/|$)/) { sub(/.*system\//, "", $2); sub(/\.d\/.*/, "", $2); print $2 }
        }' "$RUN/back"
    } | sort -u | grep -Ev '^(dbus|.*getty@|systemd-networkd\.|user@|nftables\.|auditd\.)' > "$RUN/restart"
    # Started a moment ago, here, they have read it.
    awk -F "$FS" -v place="$RUN" 'BEGIN { while ((getline line < (place "/back")) > 0) { split(line, part, FS)
            if (part[1] == "unit" && part[3] == "started") fresh[part[2]] }
            while ((getline line < (place "/now/units")) > 0) { split(line, part, FS); runs[part[1]] }
            while ((getline line < (place "/before/units")) > 0) { split(line, part, FS); ran[part[1]] } }
        $1 in runs && $1 in ran && !($1 in fresh)' "$RUN/restart"
    rm -f "$RUN/restart"
}
