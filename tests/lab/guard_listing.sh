# Prints what a restore must bring back, a line a fact.
cd /
places='/etc /opt/kept /opt/absent /opt/many1 /usr/share/outgoing/data /usr/share/incoming /var/lib/apt/extended_states'
ours='-path /etc/systemd/system/plumbline-guard.service -o -path /etc/systemd/system/sysinit.target.wants/plumbline-guard.service'
find $places -xdev \( $ours \) -prune -o -printf '%p\t%y\t%m\t%U:%G\t%T@\t%l\0' 2>/dev/null | tr '\000\n' '\n\001' | sort
find $places -xdev \( $ours \) -prune -o -type f -print0 2>/dev/null | xargs -0 sha256sum -z | tr '\000\n' '\n\001' | sort
find $places -xdev -type f -links +1 -printf '%i %n %p\n' 2>/dev/null | awk '{ if (!($1 in seen)) seen[$1] = $3; print "same", seen[$1], $3 }'
stat -c 'access %n %a %u:%g' /opt/log
python3 - <<'END'
import os
for top in ("/etc", "/opt/kept"):
    for place, folders, files in os.walk(top):
        for name in (".", *folders, *files):
            path = os.path.join(place, name)
            for key in os.listxattr(path, follow_symlinks=False):
                print("attribute", ascii(path), key, os.getxattr(path, key, follow_symlinks=False).hex())
END
dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Abbrev}\n' | grep -v 'un $'
systemctl list-unit-files --no-legend | grep -vE '^(plumbline-guard|session-)' | awk '{ print "unit", $1, $2 }' | sort
systemctl list-units --no-legend --plain --type=service,socket,timer,path --state=active |
    awk '{ print "active", $1 }' | grep -vE ' (user|session|run-|systemd-(hostnamed|tmpfiles-clean)|plumbline-guard)' | sort
find /proc/sys/net -type f -perm -0600 -writable | xargs grep -sH . | grep -vE 'nf_log' | sort
nft -s list ruleset
ip -o link show host0 | grep -o '[<,]UP[,>]' | tr '<' ','
ip -o addr show | grep -v ' fe80:' | sed 's/ *valid_lft.*//; s/\\//'
ip route show table all | grep -v fe80:
ip rule show
