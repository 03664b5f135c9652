"""How somebody of the directory is taken for another than it says: mapped names, groups and tickets.

Sources: sssd.conf(5), sssd-krb5(5), sssd-ldap(5), sss-certmap(5), sss_override(8), krb5.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plumbline.probes.directory.membership import MembershipFacts
from plumbline.probes.directory.sssd import SssdFacts
from plumbline.verify.unknown import Unknown

_OF_DOMAIN = ("krb5_map_user", "override_gid")
_NEVER = ("cached_auth_timeout",)
"""A password remembered so long is taken although the directory answers, which may have shut the account."""

# What Active Directory calls these itself (sssd-ldap(5), sssd's map for it).
_ATTRIBUTES = {
    "ldap_user_name": ("samaccountname",),
    "ldap_user_objectsid": ("objectsid",),
    "ldap_user_member_of": ("memberof",),
    "ldap_user_primary_group": ("primarygroupid",),
    "ldap_user_principal": ("userprincipalname",),
    "ldap_user_object_class": ("user",),
    "ldap_group_name": ("samaccountname",),
    "ldap_group_member": ("member",),
    "ldap_group_objectsid": ("objectsid",),
    "ldap_group_object_class": ("group",),
}

# Rules that only take the realm off a name, so that it stays whose it is.
_KEEPS_NAME = re.compile(r"DEFAULT|RULE:\[1:\$1(@\$0)?\](\([^)]*\))?(s/@[^/]*//g?)?(/L)?")
_SSSD_PLUGIN = re.compile(r"sssd:/usr/(lib|libexec|lib64)/\S*sssd_krb5_localauth_plugin\.so")


def stand_ins(sssd: SssdFacts, membership: MembershipFacts, domain: str) -> Iterator[str]:
    """Yield what makes somebody another, or of another group, than the directory says."""
    settings = sssd.of_domain(domain)
    yield from (str(settings[key]) for key in _OF_DOMAIN if key in settings)
    yield from (str(settings[key]) for key in _NEVER if key in settings and settings[key].value != "0")
    for key, own in _ATTRIBUTES.items():
        if key in settings and settings[key].value.lower() not in own:
            yield str(settings[key])
    by_certificate = sssd.get("pam", "pam_cert_auth")
    if by_certificate is not None and by_certificate.value.lower() == "true":
        for section in sssd.settings:
            if section.startswith(f"certmap/{domain.lower()}/"):
                yield from (str(one) for key, one in sssd.settings[section].items() if key == "maprule")
    yield from _overrides(sssd)
    yield from _tickets(membership)


def _overrides(sssd: SssdFacts) -> Iterator[str]:
    """Yield what sss_override tells of its own, which stand in sssd's cache and in no file one reads."""
    if sssd.overrides is None:
        raise Unknown(
            "sssd's cache has names overridden on this host, and sss_override does not tell which; "
            "install sssd-tools"
        )
    yield from (f"sss_override: {line}" for line in sssd.overrides)


def _tickets(membership: MembershipFacts) -> Iterator[str]:
    """Yield by which lines of krb5.conf a ticket opens an account of another name."""
    for place, section, key, value in membership.kerberos():
        kind, _, inside = section.partition("/")
        if kind == "realms" and (
            inside.endswith("/auth_to_local_names")
            or (key == "auth_to_local" and not _KEEPS_NAME.fullmatch(value))
        ):
            yield f"{place}: [{section}] {key} = {value}"
        elif section == "libdefaults" and key == "k5login_directory":
            yield f"{place}: {key} = {value}"
        elif section == "plugins/localauth" and key == "module" and not _SSSD_PLUGIN.fullmatch(value):
            yield f"{place}: [{section}] {key} = {value}"
