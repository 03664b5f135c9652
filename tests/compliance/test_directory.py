"""The directory: the host is a member of the site's, and its groups get in, and nobody else of it."""

from __future__ import annotations

import pytest

from plumbline.errors import InputError
from plumbline.policy.accounts import known as known_of
from plumbline.verify import Unknown, control, not_applicable


@pytest.fixture
def domain(site):
    """The DNS domain of the site's directory; where the site names none, nothing here applies."""
    if site.active_directory is None:
        not_applicable("the site names no Active Directory")
    return site.active_directory.domain


@control("domain-joined")
def test_keytab_is_of_the_site_s_domain(host, domain, spec):
    """The host's keytab is there, with a key of a computer of the site's domain and of no other.

    That computer is the host itself, and nothing reads its keys from another file.
    """
    assert host.directory.foreign_keys(domain, spec.name) == []
    assert host.directory.other_keytabs(domain) == []


@control("domain-joined")
@pytest.mark.usefixtures("domain")
def test_keys_are_of_accepted_types(host, accepts):
    """The keytab has keys of accepted types only.

    Kerberos is not told to take DES or RC4 either.
    """
    accepted = accepts("key_types")
    assert [key for key in host.directory.keys if key.kind not in accepted] == []
    assert host.directory.weak_types == []


@control("domain-joined")
@pytest.mark.usefixtures("domain")
def test_keytab_is_root_s_alone(host):
    """Nobody but root can read or change the keytab."""
    assert host.directory.keytab_open_to_others == []


@control("domain-joined")
def test_the_domain_honours_the_host(host, domain):
    """The domain honours the host's key: a controller gives a ticket for it.

    So the host's account is there, enabled, and its password the one of the keytab.
    """
    assert host.directory.not_honoured(domain) == []


@control("domain-joined")
def test_the_host_s_password_is_young(host, domain, accepts):
    """The host's own password in the domain is not older than accepted."""
    age = host.directory.password_age(domain)
    if age is None:
        raise Unknown("the keytab has no key whose age could be told")
    assert age in accepts("password_age")


@control("domain-joined")
def test_the_host_s_password_is_renewed(host, domain, accepts):
    """sssd renews the host's own password after the accepted time; 0 means never, and fails."""
    assert host.directory.renewed_after(domain) in accepts("renewed_after")


@control("domain-joined")
def test_controllers_are_the_site_s(host, domain, site):
    """Kerberos and sssd ask the site's domain controllers and no others."""
    assert host.directory.other_controllers(domain, site.active_directory.controllers) == []


@control("domain-joined")
@pytest.mark.usefixtures("domain")
def test_names_are_resolved_by_the_site(host, accepts, site, spec):
    """The host asks the site's name servers, and no others.

    Its file of hosts gives no server of the site an address they do not.
    """
    accepted = accepts("resolvers")
    assert [one for one in host.directory.resolvers if one.address not in accepted] == []
    assert host.directory.moved(_servers(site), spec.name) == []


def _servers(site):
    """Return the names of the site's servers that a host finds by their names."""
    found = [site.active_directory.domain, *site.active_directory.controllers, *map(str, site.clocks)]
    found += [] if site.log_collector is None else [site.log_collector.host]
    return found + ([] if site.monitoring is None else list(site.monitoring.servers))


@control("domain-joined")
@pytest.mark.usefixtures("domain")
def test_a_name_server_is_asked(host):
    """The host asks a name server at all; without one it finds no domain controller."""
    assert host.directory.resolvers != []


@control("logon-by-directory-group")
def test_the_site_s_domain_alone_is_served(host, domain):
    """sssd serves the site's domain and no other, as the Active Directory it is."""
    assert host.directory.other_domains(domain) == []


@control("logon-by-directory-group")
def test_groups_of_roles_alone_get_in(host, domain, desired, spec):
    """sssd lets in the groups of the roles that may log on, each of them, and nobody else."""
    roles = desired.controls["logon-by-directory-group"].values["roles"]
    groups = [user.group for user in spec.users if user.role in roles]
    assert host.directory.let_in_otherwise(domain, groups) == []


@control("logon-by-directory-group")
def test_nobody_stands_in_for_another(host, domain):
    """Nobody of the directory stands in for another: names, groups and tickets are taken as it has them.

    No setting and no override of this host's maps users, groups or tickets, and no password is remembered
    while the directory answers.
    """
    assert host.directory.stand_ins(domain) == []


@control("logon-by-directory-group")
@pytest.mark.usefixtures("domain")
def test_sssd_runs_by_what_its_files_say(host):
    """No file of sssd's was changed after it had read it; until it is restarted it goes by what was there."""
    assert host.directory.changed_since_started == []


@control("logon-by-directory-group")
def test_pam_heeds_the_directory_s_refusal(host, domain):
    """Every stack of PAM that opens a session refuses whom sssd refuses, whatever he proved."""
    assert host.directory.refusal_ignored(domain) == []


@control("logon-by-directory-group")
@pytest.mark.usefixtures("domain")
def test_ssh_asks_pam(host):
    """sshd opens sessions through PAM only, or a ticket or key would pass the directory's groups by."""
    assert host.directory.ssh_without_pam == []


@control("logon-by-directory-group")
@pytest.mark.usefixtures("domain")
def test_ssh_takes_passwords_of_the_directory(host, desired, spec):
    """sshd takes passwords of the groups let in, and of local accounts declared without a key, alone."""
    roles = desired.controls["logon-by-directory-group"].values["roles"]
    groups = [user.group for user in spec.users if user.role in roles]
    accounts = [account.name for account in spec.local_accounts if not account.keys]
    assert host.directory.passwords_of_others(groups, accounts) == []


@control("logon-by-directory-group")
@pytest.mark.usefixtures("domain")
def test_administrators_become_root_by_their_group(host, desired):
    """sudo makes root of each group of the role os-administrator: nobody needs a local account for it."""
    try:
        known = known_of(desired)
    except InputError as error:
        raise Unknown(
            "nothing is known of the accounts {distribution} brings; add it to accounts.yml of the policies",
            distribution=desired.host.os.distribution,
        ) from error
    assert host.accounts.rights(known).administrators_left_out == []


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_sssd_runs_now(host):
    """sssd runs now, with the parts that answer for names and logons."""
    assert host.directory.parts_missing == []


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_sssd_starts_at_boot(host):
    """sssd starts at boot."""
    assert host.directory.state_at_boot == "enabled"


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_sssd_starts_as_its_package_has_it(host):
    """sssd is started with its own configuration and options, and nothing holds its start back."""
    assert host.directory.started_otherwise == []


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_sssd_can_read_its_files(host):
    """sssd's files are closed to others; it would not start with open ones, or leave them out."""
    assert host.directory.open_to_others == []


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_names_come_from_the_directory_too(host):
    """nsswitch.conf asks the directory for users and groups."""
    assert host.directory.not_asked_for_names == []


@control("directory-client-works")
@pytest.mark.usefixtures("domain")
def test_passwords_are_checked_by_the_directory(host):
    """PAM takes the directory's word for a password wherever people log on."""
    assert host.directory.password_not_asked == []


@control("offline-logon-limited")
def test_remembered_passwords_expire(host, domain, accepts):
    """A remembered password opens the host for the accepted days at most; 0 means for ever, and fails."""
    if not host.directory.keeps_passwords(domain):
        not_applicable("nobody logs on to this host while the directory is away: no password is remembered")
    assert host.directory.offline_days in accepts("offline_days")


@control("offline-logon-limited")
def test_wrong_passwords_are_limited(host, domain, accepts):
    """While the directory is away few wrong passwords are taken; 0 means without end, and fails."""
    if not host.directory.keeps_passwords(domain):
        not_applicable("nobody logs on to this host while the directory is away: no password is remembered")
    assert host.directory.offline_attempts in accepts("offline_attempts")
