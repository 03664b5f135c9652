#!/bin/sh
# shellcheck shell=dash disable=SC2154,SC2013
# What may stand in the way of changing this host. It only reads, as root; each line starts with what it is.
# Before it stand: login, client, server, port (of our connection), packages (to be installed), controllers (of the
# directory), resolvers (of the site); words in one string each.
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

sshd_side() {
    command -v sshd >/dev/null || return 0
    said=$(sshd -t 2>&1) || { printf '%s\n' "${said:-it does not say why}" | sed 's/^/broken /'; return 0; }
    sshd -T -C "user=$login,host=$client,addr=$client,laddr=$server,lport=$port" 2>/dev/null |
        grep -iE '^(allowusers|allowgroups|denyusers|denygroups|permitrootlogin|pubkeyauthentication) ' |
        sed 's/^/sshd /'
    # A group's name may hold blanks, so it is one a line.
    for number in $(id -G "$login" 2>/dev/null); do
        getent group "$number" | sed 's/:.*//; s/^/group /'
    done
}

disk_side() {
    for path in / /etc /var /var/lib/plumbline /var/lib/dpkg /usr /boot; do
        [ ! -d "$path" ] || df -Pk "$path" 2>/dev/null | awk -v path="$path" 'NR == 2 { print "disk", path, $4, $NF }'
    done
    du -skx /etc 2>/dev/null | awk '{ print "kept", $1 }'
    for path in / /etc /var; do
        [ -w "$path" ] || echo "readonly $path"
    done
    # Without its caches apt reads the lists into memory, so nothing is written.
    # shellcheck disable=SC2086  # packages are words
    [ -z "$packages" ] || apt-get -q -y --print-uris --no-install-recommends -o Debug::NoLocking=1 \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= install -- $packages 2>/dev/null |
        sed -n 's/^Need to get \([0-9.,]* .*B\).* of archives.*/download \1/p
            s/^After this operation, \([0-9.,]* .*B\) of additional disk space.*/unpacked \1/p'
}

# Who holds a file locked, by /proc/locks and what the process has open.
holders() {
    inode=$(stat -c %i "$1" 2>/dev/null) || return 0
    for pid in $(awk -v inode="$inode" '{ sub(/ ->/, ""); n = split($6, at, ":"); if (at[n] == inode) print $5 }' /proc/locks); do
        [ -n "$(find "/proc/$pid/fd" -lname "$1" 2>/dev/null)" ] || continue
        echo "locked $1 $pid $(tr '\000' ' ' < "/proc/$pid/cmdline" | cut -c 1-200)"
    done
}

packages_side() {
    for path in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
        holders "$path"
    done
    dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' 2>/dev/null |
        grep -vE '^(installed|config-files|not-installed) ' | sed 's/^/halfway /'
    [ -z "$(find /var/lib/dpkg/updates -type f 2>/dev/null)" ] || echo "halfway interrupted dpkg"
}

reboot_side() {
    [ ! -e /run/reboot-required ] ||
        echo "reboot $(sort -u /run/reboot-required.pkgs 2>/dev/null | tr '\n' ' ')"
    # The kernel of a container is not its own.
    ! systemd-detect-virt -cq || return 0
    booted=$(sed -n 's/^btime //p' /proc/stat)
    for path in /boot/vmlinuz-*; do
        [ ! -f "$path" ] || [ "${path#/boot/vmlinuz-}" = "$(uname -r)" ] || [ "$(stat -c %Z "$path")" -le "$booted" ] ||
            echo "kernel ${path#/boot/vmlinuz-}"
    done
}

# Bash alone can open a connection without a program that may not be there.
answers() {
    # shellcheck disable=SC2016  # the inner shell expands it
    timeout 3 bash -c '</dev/tcp/$0/$1' "$1" "$2" 2>/dev/null
}

directory_side() {
    for name in $controllers; do
        if ! getent ahostsv4 "$name" >/dev/null; then
            # It may be known only once the host asks the site's resolvers, which this change sees to.
            echo "controller $name unknown"
        elif answers "$name" 88; then
            echo "controller $name answers"
            return 0
        else
            echo "controller $name silent"
        fi
    done
    for name in $resolvers; do
        if answers "$name" 53; then echo "resolver $name answers"; else echo "resolver $name silent"; fi
    done
}

sshd_side; disk_side; packages_side; reboot_side; directory_side
