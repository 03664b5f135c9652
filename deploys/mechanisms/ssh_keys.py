"""SSH keys in use on a host that stricter settings would shut out, wherever the configuration puts them."""

from __future__ import annotations

from deploys.mechanisms.printed import lines

_HOMES = "$({ getent passwd; cat /etc/passwd; } | cut -d: -f6 | sort -u; ls -d /home/* /home/*/*)"

# Match blocks, other configurations and command lines may name further files; what stands for a user, all do.
_KEY_FILES = (
    "{ sshd -T; grep -rhi authorizedkeysfile /etc/ssh; "
    "grep -hoiE 'authorizedkeysfile[= ][^\" ]*' /etc/default/ssh /etc/systemd/system/*ssh*.d/*; "
    "echo 'authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2'; } | "
    "sed -nE 's/^[[:space:]\"]*authorizedkeysfile[[:space:]\"=]+//Ip' | tr -d '\"' | tr -s ' \\t' '\\n\\n' | "
    "sort -u | sed 's/%[uU]/*/g' | while read -r named; do "
    f"for home in {_HOMES}; do "
    "case $named in none) continue ;; '%h/'*) files=$home/${named#'%h/'} ;; /*) files=$named ;; "
    "*) files=$home/$named ;; esac; "
    "for file in $files; do [ ! -f $file ] || echo $file; done; done; done | sort -u"
)
_OTHER = "(ssh-ed25519|ssh-dss|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)"


def other_keys() -> list[str]:
    """Return what opens accounts by keys of other kinds than RSA, or by such as nobody can tell.

    Files of keys, of authorities whose certificates may hold any key, and programs that are asked for keys.
    """
    return lines(
        f"{_KEY_FILES} | while read -r file; do sed '/^[[:space:]]*#/d' $file | "
        f"grep -qE '{_OTHER}|cert-authority' && echo $file; done; "
        "{ sshd -T; grep -rhiE '(trustedusercakeys|authorizedkeyscommand)' /etc/ssh; } | "
        'sed -nE \'s/^[[:space:]"]*(trustedusercakeys|authorizedkeyscommand)[[:space:]"=]+'
        "(\\/[^\"[:space:]]*).*/\\2/Ip' | sort -u"
    )


def keys_shorter(bits: int) -> list[str]:
    """Return the files that open accounts by RSA keys of fewer bits."""
    return lines(f"{_KEY_FILES} | {_shorter(bits)}")


def other_hosts() -> list[str]:
    """Return the files in which users know hosts, or have keys, of other kinds than RSA."""
    return lines(
        f"for file in /etc/ssh/ssh_known_hosts $(for home in {_HOMES}; do "
        "ls -d $home/.ssh/known_hosts $home/.ssh/*.pub; done | sort -u); do "
        f"[ ! -f $file ] || grep -lE '{_OTHER}' $file; done; "
        f"for home in {_HOMES}; do ls $home/.ssh/id_ed25519 $home/.ssh/id_ecdsa; done | sort -u"
    )


def hosts_shorter(bits: int) -> list[str]:
    """Return the files in which users know hosts by RSA keys of fewer bits."""
    return lines(
        f"for file in /etc/ssh/ssh_known_hosts $(for home in {_HOMES}; do ls -d $home/.ssh/known_hosts; done "
        f"| sort -u); do [ ! -f $file ] || echo $file; done | {_shorter(bits)}"
    )


def _shorter(bits: int) -> str:
    return (
        "while read -r file; do ssh-keygen -lf $file | "
        f"awk -v bits={bits} '/[(]RSA[)]/ && $1 < bits {{ found = 1 }} END {{ exit !found }}' && "
        "echo $file; done"
    )
