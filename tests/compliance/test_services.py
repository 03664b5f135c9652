"""Only needed services run, listen and are encrypted, under accounts that nobody logs on with."""

import pytest

from plumbline.errors import InputError
from plumbline.policy.accounts import known as known_of
from plumbline.policy.permitted import permitted as permitted_on
from plumbline.policy.protocols import load_protocols
from plumbline.policy.servers import load_servers
from plumbline.verify import Unknown, control, not_applicable


@pytest.fixture
def permitted(desired):
    """What the host may run: its distribution's baseline, the site's antivirus, what is specified."""
    found = permitted_on(desired)
    if found is None:
        raise Unknown(
            "there is no baseline of {distribution} {version}; add it to baselines/ of the policies",
            distribution=desired.host.os.distribution,
            version=desired.host.os.version,
        )
    return found


@pytest.fixture
def required(host, permitted):
    """What is installed, runs and starts at boot, against what the host may run."""
    return host.services.required(permitted)


@pytest.fixture
def known(desired):
    """Whom the host may know."""
    try:
        return known_of(desired)
    except InputError as error:
        raise Unknown(
            "nothing is known of the accounts {distribution} brings; add it to accounts.yml of the policies",
            distribution=desired.host.os.distribution,
        ) from error


@pytest.fixture
def servers(desired):
    """Servers by package and program."""
    return load_servers(desired.standard.name)


@pytest.fixture
def cleartext(host, permitted, servers, desired):
    """What is served unencrypted."""
    return host.services.cleartext(permitted, servers, load_protocols(desired.standard))


@pytest.fixture
def mail(host, permitted, servers, site):
    """How mail is sent and taken."""
    return host.services.mail(permitted, servers, site)


@control("services-required-only")
def test_only_needed_services_are_installed(required):
    """Every package that brings services is the distribution's own or declared."""
    assert required.undeclared_packages() == []


@control("services-required-only")
def test_only_declared_units_are_added(required):
    """Units, init scripts and generators that no package brought are declared."""
    assert required.own_units() == []


@control("services-required-only")
def test_units_of_the_distribution_start_what_they_did(required):
    """No file of the host's own makes a distribution's unit start something else, or as somebody else.

    Or load a library that no package brought, or, of a socket, listen for others at another port.
    """
    assert required.changed_units() == []


@control("services-required-only")
def test_only_needed_services_run_now(required):
    """Every service, socket, timer and path that is active now may be."""
    assert required.undeclared_now() == []


@control("services-required-only")
def test_only_needed_services_start_at_boot(required):
    """Every service, socket, timer and path that starts at boot may."""
    assert required.undeclared_at_boot() == []


@control("services-required-only")
def test_only_declared_jobs_start_by_themselves(required):
    """Jobs of cron and at, rc.local and inetd's services are a package's own or declared.

    And so is what hooks, udev, D-Bus and the audit daemon start beside the units.
    """
    assert required.undeclared_jobs() == []


@control("services-required-only")
def test_users_keep_no_services(required):
    """No user has services of his own, or services that run without him."""
    assert required.user_services() == []


@control("services-required-only")
def test_nothing_runs_beside_the_services(required):
    """No process was left behind by a session, a job or another service, or runs from a program that is gone.

    Whatever serves is started by a unit; what somebody started by hand is gone after a reboot, or comes back
    by a road that nobody knows.
    """
    assert required.beside_services() == []


@control("listening-declared")
def test_only_declared_ports_are_open(host, permitted):
    """Every socket that others can reach is one of a declared service, at its port and protocol."""
    assert host.services.listening(permitted).undeclared() == []


@control("listening-declared")
def test_no_port_is_open_in_another_network_namespace(host, permitted):
    """No undeclared port is open in a network namespace beside the host's, as containers have."""
    assert host.services.listening(permitted).elsewhere() == []


@control("cleartext-protocols-absent")
def test_no_unencrypted_server_is_installed(cleartext, servers):
    """No package of a server is installed that speaks unencrypted or a forbidden protocol."""
    assert cleartext.installed(servers.unencrypted) == []


@control("cleartext-protocols-absent")
def test_no_unencrypted_server_runs(cleartext, servers):
    """No server runs, at whatever port, that speaks unencrypted or a forbidden protocol."""
    assert cleartext.running(servers.unencrypted) == []


@control("cleartext-protocols-absent")
def test_no_unencrypted_server_starts_at_boot(cleartext, servers):
    """No such server starts at boot, or when inetd is asked for it."""
    assert cleartext.at_boot(servers.unencrypted) == []


@control("cleartext-protocols-absent")
def test_no_port_of_a_forbidden_protocol_is_open(cleartext):
    """Nothing that others can reach listens at a port of a forbidden protocol."""
    assert cleartext.at_forbidden_ports() == []


@control("cleartext-protocols-absent")
def test_servers_encrypt_at_every_port(cleartext):
    """Web servers, MQTT brokers and stores encrypt at every port that others can reach, redirects too."""
    assert cleartext.unencrypted_servers() == []


@control("cleartext-protocols-absent")
def test_servers_will_encrypt_at_every_port(cleartext):
    """Those that start at boot are configured to encrypt at every such port."""
    assert cleartext.unencrypted_at_boot() == []


@control("cleartext-protocols-absent")
def test_mqtt_is_at_its_encrypted_port_alone(cleartext):
    """An MQTT broker listens for others at the port of MQTT over TLS alone."""
    if not cleartext.has_broker():
        not_applicable("there is no MQTT broker on this host")
    assert cleartext.mqtt_elsewhere() == []


@control("cleartext-protocols-absent")
def test_file_shares_are_encrypted(cleartext):
    """No file system is exported without Kerberos' privacy, and no SMB of the first version spoken."""
    assert cleartext.shares() == []


@control("cleartext-protocols-absent")
def test_declared_services_encrypt(cleartext):
    """Every declared service encrypts what it is asked and answers."""
    assert cleartext.declared_unencrypted() == []
    if listeners := cleartext.undeclared_encryption():
        raise Unknown(
            "nothing on the host says whether these encrypt; add encrypted to their listens in the "
            "specification: {listeners}",
            listeners=", ".join(listeners),
        )


@control("mail-internal-only")
def test_mail_goes_to_the_operator_s_relay(mail):
    """Every mailer hands its messages to a relay of the site, or sends none."""
    _has_mailer(mail)
    assert mail.to_others() == []


@control("mail-internal-only")
def test_mail_goes_over_tls(mail):
    """No mailer sends a message without TLS, even if the relay offers none."""
    _has_mailer(mail)
    assert mail.without_tls() == []


@control("mail-internal-only")
def test_mailers_log_on(mail):
    """Every mailer logs on to its relay."""
    _has_mailer(mail)
    assert mail.without_logon() == []


@control("mail-internal-only")
def test_no_mailer_listens_for_others(mail):
    """No undeclared mailer takes messages from others."""
    assert mail.open_to_others() == []


def _has_mailer(mail):
    if not mail.installed:
        not_applicable("there is no mailer on this host")


@control("no-readable-passwords")
def test_no_password_stands_readable(host):
    """No unit, job, mount or credential file known here holds a password in clear text."""
    assert host.services.readable_passwords == []


@control("service-accounts-unprivileged")
def test_accounts_of_services_have_no_privileges(host, permitted, known, value):
    """No account of a service has root's rights, by its number, a group, sudo, doas or polkit."""
    assert host.services.accounts(permitted, known, tuple(value("further_groups"))).rights() == []


@control("service-accounts-unprivileged")
def test_services_run_under_their_accounts(host, permitted, known):
    """Every process of a declared service runs under the declared account."""
    accounts = host.services.accounts(permitted, known)
    assert accounts.other_accounts() == []
    if accounts.of_the_directory():
        raise Unknown(
            "what rights the directory gives these accounts is not seen on the host: {accounts}",
            accounts=", ".join(accounts.of_the_directory()),
        )


@control("service-accounts-unprivileged")
def test_services_will_run_under_their_accounts(host, permitted, known):
    """The unit files of declared services name the declared account."""
    assert host.services.accounts(permitted, known).other_accounts_at_boot() == []


@control("service-accounts-unprivileged")
def test_services_have_only_declared_capabilities(host, permitted, known):
    """No process of a service has a capability that is not declared."""
    assert host.services.accounts(permitted, known).capabilities() == []


@control("service-accounts-unprivileged")
def test_services_will_have_only_declared_capabilities(host, permitted, known):
    """No unit file gives a service a capability that is not declared."""
    assert host.services.accounts(permitted, known).capabilities_at_boot() == []


@control("service-accounts-no-logon")
def test_accounts_of_services_have_no_shell(host, permitted, known):
    """No account of a service or of the system has a shell for sessions, beside those delivered so."""
    assert host.services.logon(permitted, known).shells() == []


@control("service-accounts-no-logon")
def test_accounts_of_services_have_no_password(host, permitted, known):
    """No account of a service or of the system is opened by a password."""
    assert host.services.logon(permitted, known).passwords() == []


@control("service-accounts-no-logon")
def test_accounts_of_services_have_no_key(host, permitted, known):
    """No SSH key opens an account of a service or of the system."""
    assert host.services.logon(permitted, known).keys() == []


@control("service-accounts-no-logon")
def test_accounts_of_services_have_no_session(host, permitted, known):
    """No session is open as a service, and none is kept ready."""
    assert host.services.logon(permitted, known).sessions() == []


@control("service-accounts-no-logon")
def test_nobody_becomes_a_service(host, permitted, known):
    """Nobody but administrators may run whatever he likes as a service's account."""
    assert host.services.logon(permitted, known).become() == []


@control("applications-unprivileged")
def test_no_application_is_privileged_now(host, permitted, known, value):
    """No process beside the distribution's own runs as root or an administrator, but those approved so."""
    groups = tuple(value("further_groups"))
    assert host.services.applications(permitted, known, groups).privileged_processes() == []


@control("applications-unprivileged")
def test_no_application_is_privileged_at_boot(host, permitted, known, value):
    """No unit file beside the distribution's own starts anything as root or an administrator."""
    groups = tuple(value("further_groups"))
    assert host.services.applications(permitted, known, groups).privileged_at_boot() == []


@control("applications-unprivileged")
def test_no_job_is_privileged(host, permitted, known, value):
    """No job beside those of the distribution's packages runs as root or an administrator."""
    groups = tuple(value("further_groups"))
    assert host.services.applications(permitted, known, groups).privileged_jobs() == []
