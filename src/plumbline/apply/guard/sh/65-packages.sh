# shellcheck shell=dash
# Packages: those that were added are purged, those that went or were replaced come back from what was kept of them.

package_state() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null
}

# Makes a package again from its files on the host, for those that operations may remove, and what goes with them.
keep_packages() {
    local name
    : > "$RUN/told"
    while IFS= read -r name; do
        [ "$(package_state "$name")" != installed ] || printf '%s\n' "$name" >> "$RUN/told"
    done < "$RUN/scope/packages"
    [ -s "$RUN/told" ] || return 0
    mkdir -p "$RUN/debs" || return 1
    # shellcheck disable=SC2046  # names of packages
    { cat "$RUN/told"; apt-get -q -s -o Debug::NoLocking=1 remove -- $(cat "$RUN/told") 2>/dev/null |
        awk '$1 == "Remv" || $1 == "Purg" { print $2 }'; } | sort -u > "$RUN/debs/names"
    while IFS= read -r name; do
        repack "$name" || printf '%s\n' "the package $name cannot be kept for a restore without a network" >> "$CANNOT"
    done < "$RUN/debs/names"
    rm -rf "$RUN/deb" "$RUN/told"
    sync "$RUN/debs"/* 2>/dev/null
    return 0
}

repack() {
    local name=$1 root=$RUN/deb script file
    rm -rf "$root"
    mkdir -p "$root/DEBIAN" || return 1
    dpkg-query -s "$name" | awk '/^(Status|Config-Version|Conffiles):/ { skip = 1; next } /^[^ ]/ { skip = 0 } !skip' \
        > "$root/DEBIAN/control" || return 1
    for script in $(dpkg-query --control-list "$name"); do
        file=$(dpkg-query --control-path "$name" "$script") && cp -p "$file" "$root/DEBIAN/$script" || return 1
    done
    rm -f "$root/DEBIAN/conffiles"
    dpkg-query -L "$name" | grep '^/.' | grep -v '^/\.$' | while IFS= read -r file; do
        # Where /usr is merged, these stand for directories of their own in the package.
        case $file in /bin | /sbin | /lib | /lib32 | /lib64 | /libx32) [ ! -L "$file" ] || continue ;; esac
        [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
    done > "$root.names"
    dpkg-query -W -f '${Conffiles}\n' "$name" | awk '$1 ~ /^\// && $NF != "obsolete" { print $1 }' |
        while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done > "$root/DEBIAN/conffiles"
    tar --create --no-recursion --null --verbatim-files-from --files-from="$root.names" --absolute-names |
        ( umask 022 && tar --extract --preserve-permissions --same-owner --directory="$root" 2>/dev/null ) || return 1
    rm -f "$root.names"
    chmod -R u+rwX,go+rX "$root/DEBIAN" && chmod 755 "$root" "$root/DEBIAN"
    dpkg-deb -Zgzip -z1 --build "$root" "$RUN/debs/$name.deb" > /dev/null 2> "$RUN/error" &&
        chmod 600 "$RUN/debs/$name.deb"
}

# Where a package is to be had without a network: `cached NAME VERSION ARCHITECTURE`.
cached() {
    local file
    for file in "$RUN/debs/$1.deb" "$RUN/debs/$1:$3.deb" \
        "/var/cache/apt/archives/$1_$(printf '%s' "$2" | sed 's/:/%3a/g')_$3.deb"; do
        [ -f "$file" ] || continue
        [ "$(dpkg-deb -f "$file" Version 2>/dev/null)" = "$2" ] || continue
        printf '%s\n' "$file"
        return 0
    done
    return 1
}

# Waits for whoever works with packages, since that cannot be cut off without harm; then it is.
await_packages() {
    local tries=0 holder
    while holder=$(package_lock_holder) && [ -n "$holder" ]; do
        tries=$((tries + 1))
        if [ $tries = $((PACKAGE_SECONDS * 2)) ]; then
            back process "$holder" "ended: it held the lock of the packages for more than $PACKAGE_SECONDS s"
            kill -TERM "$holder" 2>/dev/null
        elif [ $tries -gt $((PACKAGE_SECONDS * 2 + 20)) ]; then
            kill -KILL "$holder" 2>/dev/null
            [ $tries -lt $((PACKAGE_SECONDS * 2 + 60)) ] || return 1
        fi
        sleep 0.5
    done
}

package_lock_holder() {
    local inodes
    inodes=$(stat -c %i /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock 2>/dev/null | tr '\n' ' ')
    awk -v inodes="$inodes" 'BEGIN { split(inodes, list, " "); for (i in list) held[list[i]] }
        { split($6, part, ":"); if ($2 == "POSIX" && part[3] in held && $5 > 0) { print $5; exit } }' /proc/locks
}

dpkg_quiet() {
    timeout --kill-after=10 300 dpkg "$@" < /dev/null > "$RUN/error" 2>&1
}

put_packages() {
    local todo=$1 name was is purge='' remove='' install='' file
    [ -s "$todo" ] || return 0
    await_packages || left package dpkg "its lock is held and is not given back"
    while IFS=$FS read -r name verdict before _; do
        [ "$verdict" = back ] || continue
        was=$(awk -F "$FS" -v name="$name" '$1 == name { print $2 " " $3 }' "$RUN/before/packages")
        is=$(awk -F "$FS" -v name="$name" '$1 == name { print $2 }' "$RUN/now/packages")
        if [ "$before" = no ]; then
            purge="$purge $name"
        elif [ "${was% *}" = config-files ] && [ "$is" != config-files ]; then
            remove="$remove $name"
        elif file=$(cached "${name%:*}" "${was#* }" "${name##*:}"); then
            install="$install $file"
        elif [ "${was% *}" = installed ] && [ -n "$is" ] && [ "$is" != config-files ]; then
            left package "$name" "it was at version ${was#* }; that is not kept on the host"
        else
            left package "$name" "it was removed; a package of its version ${was#* } is not kept on the host"
        fi
    done < "$todo"
    # shellcheck disable=SC2086  # names of packages
    {
        [ -z "$purge" ] || dpkg_quiet --force-remove-reinstreq --purge $purge || tell_packages purge $purge
        [ -z "$remove" ] || dpkg_quiet --force-remove-reinstreq --remove $remove || tell_packages remove $remove
        [ -z "$install" ] || dpkg_quiet --force-confold --force-downgrade --install $install ||
            left package "$install" "$(tail -n 1 "$RUN/error")"
    }
    dpkg_quiet --force-confold --configure -a || :
    list_packages > "$RUN/now/packages"
    awk -F "$FS" '$2 == "back" { print "package" FS $1 FS ($3 == "no" ? "purged" : "put back") FS }' "$todo" >> "$RUN/back"
}

# A purge of all failed: each alone, so that one that others need now does not keep the rest.
tell_packages() {
    local verb=$1 name
    shift
    for name; do
        [ -n "$(package_state "$name")" ] || continue
        # shellcheck disable=SC2086  # words
        dpkg_quiet --force-remove-reinstreq "--$verb" "$name" || left package "$name" "$(grep -v '^ ' "$RUN/error" | tail -n 1)"
    done
}
