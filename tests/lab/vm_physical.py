"""A physical workstation in a machine's place: bonded uplinks, an encrypted volume; and wrongs of it."""

from __future__ import annotations

from declaring import declare
from hardened import HOST

from plumbline.lab import Lab

NETWORKS = "/etc/systemd/network"
BOND = f"""\
rm {NETWORKS}/*
printf '[NetDev]\\nName=bond0\\nKind=bond\\n[Bond]\\nMode=active-backup\\n' >{NETWORKS}/05-bond0.netdev
printf '[Match]\\nName=host0\\n[Network]\\nBond=bond0\\nPrimarySlave=yes\\n' >{NETWORKS}/10-host0.network
printf '[Match]\\nName=eth1\\n[Network]\\nBond=bond0\\n' >{NETWORKS}/10-eth1.network
printf '[Match]\\nName=bond0\\n[Network]\\nAddress=ADDRESS/24\\nGateway=GATEWAY\\n' \\
    >{NETWORKS}/15-bond0.network
"""
VOLUME = """\
umask 077
head -c 32 /dev/urandom >/root/opt.key
umount /opt
cryptsetup luksFormat -q --cipher aes-xts-plain64 --key-size 512 --pbkdf pbkdf2 \\
    --pbkdf-force-iterations 1000 /dev/lab/opt /root/opt.key
cryptsetup open --key-file /root/opt.key /dev/lab/opt opt
mkfs.ext4 -q /dev/mapper/opt
echo 'opt /dev/lab/opt /root/opt.key luks' >/etc/crypttab
sed -i 's,^/dev/lab/opt ,/dev/mapper/opt ,' /etc/fstab
printf 'install usb-storage /bin/false\\ninstall uas /bin/false\\n' >/etc/modprobe.d/media.conf
"""


def physical(lab: Lab) -> None:
    """Declare a physical workstation with a redundant connection and confidential data."""
    storage = [
        {"mount": "/", "size_gib": 8, "holds": "system"},
        {"mount": "/opt", "size_gib": 10, "holds": "application", "classification": "confidential"},
        {"mount": "/var/log", "size_gib": 5, "holds": "log"},
    ]
    address = str(lab.host(HOST).address)
    interfaces = [
        {"name": "bond0", "vlan": "servers", "address": address},
        {"name": "host0", "vlan": "servers", "purpose": "redundant-uplink"},
        {"name": "eth1", "vlan": "servers", "purpose": "redundant-uplink"},
    ]
    declare(
        lab,
        HOST,
        profile="hmi-client",
        virtual=False,
        vcpu=None,
        cpu={"count": 2, "type": "x"},
        physical_reason="a fieldbus card",
        storage=storage,
        interfaces=interfaces,
    )


WRONG = (
    "ip link set eth2 down; ip link set eth2 master bond0; "
    f"cp -a {NETWORKS}/10-eth1.network /root; rm {NETWORKS}/10-eth1.network; "
    f"printf '[Match]\\nName=eth2\\n[Network]\\nBond=bond0\\n' >{NETWORKS}/10-eth2.network; "
    "mv /etc/crypttab /root/crypttab; rm /etc/modprobe.d/media.conf"
)
RIGHT = (
    f"ip link set eth2 nomaster; mv /root/10-eth1.network {NETWORKS}; rm {NETWORKS}/10-eth2.network; "
    "mv /root/crypttab /etc; "
    "printf 'install usb-storage /bin/false\\ninstall uas /bin/false\\n' >/etc/modprobe.d/media.conf"
)
