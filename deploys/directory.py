"""The operator's directory on Linux: joined with adcli, asked by sssd, open to groups of roles alone.

Local accounts keep every way in they have. Names are short (`admin1`, not `admin1@domain`): there is one
domain, and the host's own files are asked first. docs/directory.md says how a host leaves it again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Sequence

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import OperationError
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations.util import any_changed

from deploys.mechanisms.domain import Domain, computer_name, joined, keys_only
from deploys.mechanisms.files import no_file, whole_file
from deploys.mechanisms.name_sources import names_from, pam_profiles, resolved_by
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import lines, paths
from deploys.mechanisms.ssh import ssh_drop_in
from deploys.mechanisms.units import unit_on, unit_restarted
from plumbline.apply.telling import tell, tell_touches
from plumbline.policy.standard import DesiredState

Commands = Generator[StringCommand, None, None]

PACKAGES = ("adcli", "krb5-user", "libnss-sss", "libpam-sss", "sssd-ad", "sssd-tools", "sudo")

KRB5 = "/etc/krb5.conf"
SSSD = "/etc/sssd/sssd.conf"
SSHD = "/etc/ssh/sshd_config.d/00-plumbline-directory.conf"
SUDOERS = "/etc/sudoers.d/60-plumbline-directory"
HOMES = "/usr/share/pam-configs/plumbline-homes"
# Debian starts sssd's responders by sockets; here sssd starts those that are needed itself.
SOCKETS = tuple(f"sssd-{name}.socket" for name in ("autofs", "nss", "pac", "pam", "pam-priv", "ssh", "sudo"))

HEAD = "# Written by Plumbline; the whole file is replaced when it differs.\n"
_HOMES_PROFILE = """\
Name: Make the home of a user of the directory, for him alone
Default: yes
Priority: 0
Session-Type: Additional
Session-Interactive-Only: yes
Session:
\toptional\tpam_mkhomedir.so umask=0077
"""


def apply(desired: DesiredState) -> None:
    """Join the host to the site's directory and let its groups in; nothing where the site names none."""
    held = desired.subject("directory")
    if desired.site.active_directory is None or not held:
        return
    domain = _domain(desired)
    installed = packages(PACKAGES)
    whole_file(KRB5, krb5_conf(domain))
    resolved_by([str(server) for server in desired.site.dns], desired.site.domain)
    member = joined(domain)
    keys_only(domain)
    # From sssd 2.10 on its unit says, at each start, whose its files are and that the group reads them.
    group = lines(
        "systemctl cat sssd.service | sed -n 's,^ExecStartPre=.*/chown .*:\\([^ ]*\\) /etc/sssd$,\\1,p'"
    )
    shared = lines("systemctl cat sssd.service | grep '^ExecStartPre=.*/chmod .*g+r /etc/sssd$'")
    written = whole_file(
        SSSD,
        sssd_conf(desired, domain),
        mode="0640" if shared else "0600",
        group=group[0] if group else "root",
        check="sssctl config-check -c {} >/dev/null",
    )
    _sockets_off(brought=installed.will_change, name="sssd starts its parts itself")
    unit_on("sssd.service")
    _cache_emptied(name="Forget what sssd remembers", _if=any_changed(member))
    unit_restarted("sssd.service", when=[written, member])
    names_from("sss", ["passwd", "group", "shadow"])
    whole_file(HOMES, _HOMES_PROFILE)
    pam_profiles(
        {
            "sss": dict.fromkeys(("common-auth", "common-account", "common-session"), "pam_sss"),
            "plumbline-homes": {"common-session": "pam_mkhomedir.so umask=0077"},
        }
    )
    _ssh(desired)
    _sudo(desired)


def groups_of(desired: DesiredState, roles: Sequence[str]) -> list[str]:
    """Return the directory's groups of these roles, as the host's specification has them, each once."""
    return list(dict.fromkeys(user.group for user in desired.host.users if user.role in roles))


def _let_in(desired: DesiredState) -> list[str]:
    """Return the groups that may log on; OperationError if one is of service accounts too."""
    roles = desired.controls["logon-by-directory-group"].values["roles"]
    if not isinstance(roles, list):
        raise TypeError("roles is a list")
    let_in, refused = groups_of(desired, roles), groups_of(desired, ["system-user"])
    if both := sorted(set(let_in) & set(refused)):
        raise OperationError(
            f"{both[0]} has the role system-user and one that may log on; "
            "give service accounts a group of their own"
        )
    return let_in


def _domain(desired: DesiredState) -> Domain:
    site = desired.site.active_directory
    if site is None or site.join_account is None:
        raise OperationError(
            "the site's active_directory names no join_account, so nobody can join hosts; add it to site.yml"
        )
    for controller in site.controllers:
        if _is_address(controller):
            raise OperationError(
                f"the domain controller {controller} is named by its address; "
                "Kerberos knows it by its name only"
            )
    key_types = desired.controls["domain-joined"].values["key_types"]
    return Domain(
        name=site.domain.lower(),
        controllers=[str(controller) for controller in site.controllers],
        computer=computer_name(desired.host.name),
        unit=site.computer_ou,
        account=site.join_account,
        key_types=key_types if isinstance(key_types, list) else [],
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def krb5_conf(domain: Domain) -> str:
    """Return krb5.conf(5) for one realm, whose controllers the site names, with the accepted keys alone."""
    kdcs = "".join(f"        kdc = {controller}\n" for controller in domain.controllers)
    return (
        f"{HEAD}[libdefaults]\n"
        f"    default_realm = {domain.realm}\n"
        "    dns_lookup_realm = false\n"
        "    dns_lookup_kdc = false\n"
        "    dns_canonicalize_hostname = false\n"
        "    rdns = false\n"
        "    allow_weak_crypto = false\n"
        f"    permitted_enctypes = {' '.join(domain.key_types)}\n"
        f"\n[realms]\n    {domain.realm} = {{\n{kdcs}"
        f"        admin_server = {domain.controllers[0]}\n    }}\n"
        f"\n[domain_realm]\n    .{domain.name} = {domain.realm}\n    {domain.name} = {domain.realm}\n"
    )


def sssd_conf(desired: DesiredState, domain: Domain) -> str:
    """Return sssd.conf(5): the site's domain alone, and of it the groups that may log on."""
    let_in, refused = _let_in(desired), groups_of(desired, ["system-user"])
    # `simple` without a group lets everybody in (sssd-simple(5)).
    access = f"access_provider = simple\nsimple_allow_groups = {', '.join(let_in)}\n"
    if refused:
        access += f"simple_deny_groups = {', '.join(refused)}\n"
    if not let_in:
        access = "access_provider = deny\n"
    offline = desired.controls["offline-logon-limited"].values
    renewed = desired.controls["domain-joined"].values["renewed_after"]
    return (
        f"{HEAD}[sssd]\ndomains = {domain.name}\nservices = nss, pam\n"
        "\n[pam]\n"
        f"offline_credentials_expiration = {offline['offline_days']}\n"
        f"offline_failed_login_attempts = {offline['offline_attempts']}\n"
        f"\n[domain/{domain.name}]\n"
        "id_provider = ad\nauth_provider = ad\nchpass_provider = ad\n"
        f"{access}"
        "sudo_provider = none\nautofs_provider = none\n"
        f"ad_domain = {domain.name}\n"
        f"ad_enabled_domains = {domain.name}\n"
        f"ad_server = {', '.join(domain.controllers)}\n"
        f"ad_hostname = {domain.host_name}\n"
        f"ad_maximum_machine_account_password_age = {renewed}\n"
        f"krb5_realm = {domain.realm}\nkrb5_validate = true\n"
        "cache_credentials = true\nkrb5_store_password_if_offline = false\n"
        "use_fully_qualified_names = false\nldap_id_mapping = true\n"
        "fallback_homedir = /home/%u\ndefault_shell = /bin/bash\n"
        "dyndns_update = false\n"
    )


def ssh_conf(groups: Sequence[str], accounts: Sequence[str]) -> str:
    """Return what sshd is told: passwords are for the groups let in, and for local accounts without a key.

    Of the groups it takes no keys of their own, as a key opens an account that is disabled in the directory.
    sshd compares names letter by letter, and sssd gives them in small ones; a blank ends a word.
    """
    patterns = ",".join(
        dict.fromkeys(name.replace(" ", "?") for group in groups for name in (group.lower(), group))
    )
    match = (
        f"Match Group {patterns}\n    PasswordAuthentication yes\n    PubkeyAuthentication no\n"
        if groups
        else ""
    )
    if accounts:
        match = f"Match User {','.join(accounts)}\n    PasswordAuthentication yes\n{match}"
    return (
        f"{HEAD}GSSAPIAuthentication yes\nGSSAPICleanupCredentials yes\n"
        "# The keytab has keys of this host only, under its name in the directory.\n"
        "GSSAPIStrictAcceptorCheck no\n"
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\n{match}"
    )


def _ssh(desired: DesiredState) -> None:
    if not paths("command -v sshd"):
        return
    limits = lines("sshd -T | grep -E '^(allow|deny)(users|groups) '")
    notes = [f"sshd lets in some only ({limit}); see that the directory's groups are" for limit in limits]
    by_password = [account.name for account in desired.host.local_accounts if not account.keys]
    notes += [
        f"over SSH the password of the local account {name} opens nothing; its keys do"
        for name in lines("sed -n 's/^\\([^:]*\\):[$].*/\\1/p' /etc/shadow")
        if name not in by_password
    ]
    written = ssh_drop_in(SSHD, ssh_conf(_let_in(desired), by_password), check="sshd -t -f {}", notes=notes)
    unit_restarted("ssh.service", when=[written], verb="try-reload-or-restart")


def _sudo(desired: DesiredState) -> None:
    administrators = groups_of(desired, ["os-administrator"])
    if not administrators:
        no_file(SUDOERS)
        return
    rights = "".join(f"%{_escaped(group)} ALL=(ALL:ALL) ALL\n" for group in administrators)
    whole_file(SUDOERS, f"{HEAD}{rights}", mode="0440", check="visudo -c -q -f {}")


def _escaped(group: str) -> str:
    """Return a group's name as sudoers(5) reads it."""
    return "".join(f"\\{letter}" if letter in ' ,:=\\!()"#@' else letter for letter in group)


@operation()
def _sockets_off(brought: bool) -> Commands:
    shown = f"systemctl show -p Id,ActiveState,UnitFileState -- {' '.join(SOCKETS)}"
    found = lines(f"{shown} | grep -E '=(enabled|active)$'")
    if not found and not brought:
        host.noop("sssd's sockets are off")
        return
    tell("its sockets are switched off; sssd.conf names what it starts")
    tell_touches(units=SOCKETS)
    # Which of them there are differs between releases.
    yield StringCommand(
        f"for one in {' '.join(SOCKETS)}; do systemctl cat -- $one >/dev/null 2>&1 || continue; "
        "systemctl --quiet disable --now -- $one || exit 1; done"
    )


@operation(is_idempotent=False)
def _cache_emptied() -> Commands:
    tell("logons and names that were remembered before the host was joined are forgotten")
    tell_touches(paths=["/var/lib/sss/db"], units=["sssd.service"])
    yield StringCommand(
        "systemctl stop sssd.service && rm -f /var/lib/sss/db/cache_*.ldb /var/lib/sss/db/timestamps_*.ldb "
        "/var/lib/sss/db/ccache_*"
    )
