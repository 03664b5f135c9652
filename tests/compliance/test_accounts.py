"""Nobody enters, or becomes root, but the built-in and declared accounts and the operator's directory."""

import pytest

from plumbline.errors import InputError
from plumbline.policy.accounts import known as known_of
from plumbline.verify import Unknown, control, not_applicable


@pytest.fixture
def known(desired):
    """Whom the host may know: what its distribution brings, and what its specification declares."""
    try:
        return known_of(desired)
    except InputError as error:
        raise Unknown(
            "nothing is known of the accounts {distribution} brings; add it to accounts.yml of the policies",
            distribution=desired.host.os.distribution,
        ) from error


def _has_ssh(host):
    if not host.accounts.has_ssh:
        not_applicable("there is no SSH server on this host")


@control("no-local-accounts")
def test_only_known_accounts_can_log_on(host, known):
    """Every account with a shell or a password is built in or declared.

    An account of a service without either is no way in. A key is one, and judged with the keys.
    """
    assert host.accounts.strangers(known) == []


@control("no-local-accounts")
def test_accounts_of_the_system_have_no_shell(host, known):
    """No account of the system has a shell that opens a session, beside those delivered so."""
    assert host.accounts.system_shells(known) == []


@control("no-local-accounts")
def test_accounts_of_the_system_have_no_password(host, known):
    """No account of the system beside root can be opened by a password."""
    assert host.accounts.system_passwords(known) == []


@control("no-local-accounts")
def test_no_password_waits_for_its_account(host):
    """No line of /etc/shadow holds a password for an account that is not there."""
    assert host.accounts.shadow_alone == []


@control("no-privileged-twins")
def test_root_alone_has_number_0(host):
    """No account beside root has its number."""
    assert host.accounts.root_twins == []


@control("no-privileged-twins")
def test_no_name_or_number_stands_twice(host):
    """Each name and each number stands once in passwd, shadow and group."""
    assert host.accounts.repeated == []


@control("no-privileged-twins")
def test_built_in_accounts_keep_their_numbers(host, known):
    """Built-in accounts have the numbers and groups their distribution gave them."""
    assert host.accounts.moved(known) == []


@control("no-privileged-twins")
def test_group_of_root_is_root_s_alone(host):
    """No account beside root has group 0 as its own."""
    assert host.accounts.in_root_s_group == []


@control("no-privileged-twins")
def test_groups_that_give_root_hold_administrators_only(host, known):
    """Groups whose members can make themselves root hold declared administrators only."""
    assert host.accounts.gives_root(known) == []


@control("no-privileged-twins")
def test_no_group_opens_by_a_password(host, known):
    """No group can be entered with a password, or filled by somebody who is no administrator."""
    assert host.accounts.open_groups(known) == []


@control("no-privileged-twins")
def test_no_login_adds_rights(host, known):
    """PAM gives nobody a group that gives root, or a capability, because he logs on.

    By the files of pam_group and pam_cap, where a stack uses these.
    """
    assert host.accounts.added_at_login(known) == []


@control("names-from-files-and-directory")
def test_names_come_from_files_and_directory(host, accepts):
    """Users, groups and rights are asked of the host's files and the directory only."""
    accepted = accepts("sources")
    assert [source for source in host.accounts.name_sources if source.name not in accepted] == []


@control("names-from-files-and-directory")
def test_no_line_takes_in_users_from_elsewhere(host):
    """No line of passwd, shadow or group starts with + or -."""
    assert host.accounts.compat_lines == []


@control("names-from-files-and-directory")
def test_no_other_file_defines_users(host):
    """Nothing beside passwd and group defines users: no userdb record, home of systemd, extrausers."""
    assert host.accounts.records == []


@control("names-from-files-and-directory")
def test_systemd_names_no_further_user(host):
    """systemd gives names to its own services' users only."""
    assert host.accounts.from_systemd == []


@control("names-from-files-and-directory")
def test_passwords_are_checked_by_files_and_directory(host, site):
    """PAM lets nobody in on the word of anything but the host's files and the directory.

    Each stack is run on paper with every other module saying yes. A second factor is none: it counts only
    after the first.
    """
    assert host.accounts.other_authenticators(site.directory_domain) == []


@control("names-from-files-and-directory")
def test_no_program_is_handed_passwords(host):
    """PAM starts no program where passwords pass."""
    assert host.accounts.handed_passwords == []


@control("names-from-files-and-directory")
def test_directory_is_the_site_s(host, site):
    """The directory asked is the Active Directory of the site."""
    if not host.accounts.has_directory_client:
        not_applicable("no client of a directory is configured on this host")
    assert host.accounts.other_directories(site.directory_domain) == []


@control("builtin-passwords-changed")
def test_passwords_are_held_by_the_operator(host, known):
    """Every account a password opens is in the handover record as held by the operator."""
    assert host.accounts.not_held(known) == []


@control("builtin-passwords-changed")
def test_passwords_were_changed_since_delivery(host, known):
    """Every password is younger than the delivery, and than the day the operator took it over."""
    assert host.accounts.not_changed(known) == []


@control("authorized-keys-declared")
def test_every_key_is_declared(host, known):
    """Every SSH key that opens an account is declared for it, wherever sshd looks for keys."""
    _has_ssh(host)
    assert host.accounts.undeclared_keys(known) == []


@control("authorized-keys-declared")
def test_nothing_else_says_which_keys_open(host):
    """No program and no certificate authority beside the directory says which SSH keys open accounts."""
    _has_ssh(host)
    assert host.accounts.key_authorities == []


@control("authorized-keys-declared")
def test_no_host_is_trusted(host):
    """SSH lets nobody in on the word of the host he comes from."""
    _has_ssh(host)
    assert host.accounts.trusted_hosts == []


@control("authorized-keys-declared")
def test_no_file_stands_in_for_a_password(host):
    """No file lets somebody in for a password: .rhosts, .shosts, .k5login, .k5users, .netrc, hosts.equiv."""
    assert host.accounts.trust_files == []


@control("sudo-rights-by-role")
def test_only_administrators_become_root(host, known):
    """sudo, doas and polkit make root of groups of the role os-administrator and declared accounts only."""
    assert host.accounts.rights(known).to_root == []


@control("sudo-rights-by-role")
def test_others_have_single_commands_at_most(host, known):
    """As another account than root, groups of a role have single commands at most, persons nothing."""
    assert host.accounts.rights(known).to_others == []


@control("sudo-rights-by-role")
def test_becoming_root_needs_the_password(host, known):
    """sudo and doas ask for the user's own password, but for accounts declared without."""
    assert host.accounts.rights(known).without_password == []


@control("sudo-rights-by-role")
def test_environment_stays_outside(host, known):
    """What runs as root takes over nothing of the user's environment by which he could steer it."""
    assert host.accounts.rights(known).open_environment == []


@control("sudo-rights-by-role")
def test_nothing_else_decides_who_becomes_root(host, known):
    """No other plugin of sudo and no rule of polkit's own makes somebody root without his being asked."""
    assert host.accounts.rights(known).other_deciders == []


@control("sudo-rights-by-role")
def test_administrators_use_no_applications(host, known):
    """No administrator of the system is in a group of an application's role, as far as this host shows."""
    assert host.accounts.administrators_using_applications(known) == []


@control("sudo-rights-by-role")
def test_ssh_lets_in_by_group(host, known):
    """Where SSH lists who may log on, it lists groups and declared accounts, not persons."""
    _has_ssh(host)
    assert host.accounts.people_let_in_by_name(known) == []


@control("no-anonymous-access")
def test_no_service_serves_strangers(host):
    """No file server, message broker, store or shared screen serves somebody it does not know.

    Judged by the configuration of the servers installed. What an application gives without a logon is for a
    trial over the network, and databases are judged with theirs.
    """
    assert host.accounts.open_to_strangers == []
