# A host with things to lose: files of every kind, a table, packages.
set -e
mkdir -p /opt/kept/sub /etc/kinds/closed /root/packages
printf 'kept\n' > /opt/kept/sub/file
printf 'one\n' > /opt/many1
printf 'entries\n' > /opt/log
chmod 644 /opt/log
cd /etc/kinds
printf 'first\n' > linked
ln linked second-name
ln -s 'a target' link
mkfifo pipe
printf 'newline\n' > 'two
lines'
printf 'blanks\n' > 'tab	and \back\slash "quoted"'
printf 'secret\n' > closed/secret
chmod 600 closed/secret
chmod 1730 closed
chown 33:33 closed/secret
python3 - <<'END'
import os, struct
def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in entries)
NOBODY = 0xFFFFFFFF
listed = acl((1, 6, NOBODY), (2, 4, 33), (4, 4, NOBODY), (0x10, 4, NOBODY), (0x20, 4, NOBODY))
os.setxattr("linked", "system.posix_acl_access", listed)
os.setxattr("closed", "system.posix_acl_default", listed)
os.setxattr("closed/secret", "user.colour", b"red")
os.setxattr("link", "trusted.colour", b"blue", follow_symlinks=False)
END
nft -f - <<'END'
table inet kept {
    set peers {
        type ipv4_addr
        elements = { 192.0.2.1 }
    }
    chain input {
        type filter hook input priority 0; policy accept;
        ip saddr @peers counter accept
    }
}
table ip others {
    chain c {
        counter accept
    }
}
END
make_package() {
    mkdir -p "$1/DEBIAN" "$1/etc/$1" "$1/usr/share/$1" "$1/lib/systemd/system"
    printf 'Package: %s\nVersion: 1:1.0-1\nArchitecture: all\nMaintainer: nobody <nobody@site.test>\nDescription: a test\n' "$1" > "$1/DEBIAN/control"
    printf '/etc/%s/main.conf\n' "$1" > "$1/DEBIAN/conffiles"
    printf 'of %s\n' "$1" > "$1/etc/$1/main.conf"
    printf 'data of %s\n' "$1" > "$1/usr/share/$1/data"
    printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' > "$1/lib/systemd/system/$1.service"
    printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || { getent passwd %s >/dev/null || useradd --system --no-create-home %s; systemctl daemon-reload; systemctl enable --now %s.service; }\n' "$1" "$1" "$1" > "$1/DEBIAN/postinst"
    printf '#!/bin/sh\nset -e\n[ "$1" != remove ] || systemctl disable --now %s.service\n' "$1" > "$1/DEBIAN/prerm"
    chmod 755 "$1/DEBIAN/postinst" "$1/DEBIAN/prerm"
    dpkg-deb --build "$1" "$1.deb" > /dev/null
}
cd /root/packages
make_package outgoing
make_package incoming
dpkg -i outgoing.deb > /dev/null 2>&1
rm -rf outgoing outgoing.deb
