"""The lab's site on real machines: one command brings it up, its servers answer, nothing of it is left."""

from __future__ import annotations

import base64
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from conftest import lab_name
from leftovers import command_lines, left_of, programs_inside

from plumbline.errors import UsageError
from plumbline.lab import Lab, take_down
from plumbline.lab.site import mail, people
from plumbline.lab.site.directory import DATABASE
from plumbline.lab.site.place import SitePlace
from plumbline.lab.state import LabPlace
from plumbline.spec.load import load_inventory

HOST = "srv-app-01"
UP = [sys.executable, "-m", "plumbline", "lab", "up", "1", "--site", "--as", "clean", "--name"]


SEEN: set[bytes] = set()
"""Every command line that was seen on this machine while the site came up."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A host and the whole site, as the command brings them up."""
    name = lab_name()
    try:
        with subprocess.Popen([*UP, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
            while up.poll() is None:
                SEEN.update(command_lines().values())
                time.sleep(0.05)
            assert up.stdout is not None
            assert up.stderr is not None
            assert up.returncode == 0, up.stderr.read()
            assert up.stdout.read() == f"{LabPlace(name).inventory}\n"
        yield Lab.of(name)
    finally:
        take_down(name)


@pytest.fixture(scope="module")
def site(lab: Lab) -> SitePlace:
    return lab.site


def logs_on(lab: Lab, name: str, password: str, options: str = "") -> str:
    """Return what Kerberos says of a logon; nothing when it succeeds."""
    done = lab.run_site(
        "directory", f"{options} kinit -c FILE:/tmp/ccache-{name} {name} >/dev/null", False, password
    )
    return done.stderr.partition("kinit: ")[2].strip() if done.returncode else ""


def changes(lab: Lab, account: str, ldif: str) -> str:
    """Change the directory over LDAP as an account that has logged on; return how it is refused, if it is."""
    done = lab.run_site(
        "directory",
        f"ldbmodify -H ldap://{lab.site.name('dc1')} --use-kerberos=required"
        f" --use-krb5-ccache=FILE:/tmp/ccache-{account}",
        check=False,
        input=ldif,
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def test_machines_are_told_beside_the_hosts(lab: Lab) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "plumbline", "lab", "status", "--name", lab.name],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split()[1:5] for line in shown.stdout.splitlines()[1:]]
    assert rows == [
        ["dc1", str(lab.state.network[250]), "up", "site"],
        ["services", str(lab.state.network[251]), "up", "site"],
        [HOST, lab.hosts[0].address, "up", "clean"],
    ]


def test_up_twice_changes_nothing_and_another_site_is_refused(lab: Lab) -> None:
    before = [host.boot() for host in lab.site_hosts]
    again = subprocess.run([*UP, lab.name], check=True, capture_output=True, text=True)
    assert "nothing was changed" in again.stderr
    assert [host.boot() for host in lab.site_hosts] == before
    with pytest.raises(UsageError, match=r"other servers of the site: directory, .*, not mail"):
        Lab.up(lab.name, site=("mail",))


def test_inventory_declares_what_is_there(lab: Lab, site: SitePlace) -> None:
    declared = load_inventory(lab.inventory).site
    assert declared.active_directory is not None
    assert declared.active_directory.controllers == [site.name("dc1")]
    assert declared.mail_relay is not None
    assert declared.mail_relay.host == site.name("mail")
    assert declared.dns == [site.dns]


def test_no_secret_lies_where_others_read(lab: Lab) -> None:
    assert {"directory.administrator", "directory.join", mail.SECRET} <= set(lab.secrets)
    readable = [path for path in lab.inventory.rglob("*") if path.is_file() and path.name != "connection.yml"]
    assert readable
    texts = "".join(path.read_text() for path in readable)
    assert [name for name, secret in lab.secrets.items() if secret in texts] == []
    lines = b"\n".join(SEEN)
    assert b"samba-tool" in lines
    assert [name for name, secret in lab.secrets.items() if secret.encode() in lines] == []
    assert (lab.place.site / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_secrets_are_given_to_a_shell(lab: Lab) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "plumbline", "lab", "secrets", "--name", lab.name],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    shell = subprocess.run(
        ["sh", "-c", f'{told}printf %s "$PLUMBLINE_SECRET_DIRECTORY_JOIN"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shell.stdout == lab.secrets["directory.join"]


def test_names_are_answered_on_the_host(lab: Lab, site: SitePlace) -> None:
    wanted = {**site.names, f"{HOST}.{site.domain}": site.hosts[HOST]}
    asked = "; ".join(f"getent ahostsv4 {name} | head -n 1" for name in wanted)
    lines = lab.run(HOST, asked).stdout.splitlines()
    own = "127.0.1.1"  # a host knows itself from its own file
    assert [line.split()[0] for line in lines] == [*map(str, site.names.values()), own]
    backwards = lab.run_site("directory", f"getent hosts {site.hosts[HOST]}").stdout.split()
    assert backwards == [str(site.hosts[HOST]), f"{HOST}.{site.domain}"]
    assert lab.run(HOST, f"getent hosts {site.ad_domain}").stdout.split()[0] == str(site.dns)


@pytest.mark.parametrize("name", ["no-such.ot.lab.test", "no-such.ad.ot.lab.test", "www.plant.example"])
def test_a_name_nobody_has_is_refused(lab: Lab, name: str) -> None:
    assert lab.run(HOST, f"getent hosts {name}", check=False).returncode == 2


@pytest.mark.parametrize("account", people.ACCOUNTS, ids=lambda account: account.name)
def test_an_account_logs_on_with_its_password_alone(lab: Lab, account: people.Account) -> None:
    refused = "Client's credentials have been revoked while getting initial credentials"
    lets_in = not (account.disabled or account.expired)
    assert logs_on(lab, account.name, lab.secrets[account.secret]) == ("" if lets_in else refused)
    assert logs_on(lab, account.name, "wrong") != ""


def test_kerberos_takes_aes_alone(lab: Lab) -> None:
    weak = ("default_realm = AD.OT.LAB.TEST", "permitted_enctypes = arcfour-hmac", "allow_weak_crypto = true")
    lab.run_site("directory", "cat >/tmp/weak.conf", input="\n".join(("[libdefaults]", *weak, "")))
    said = logs_on(lab, "admin1", lab.secrets["directory.user.admin1"], "KRB5_CONFIG=/tmp/weak.conf")
    assert said == "KDC has no support for encryption type while getting initial credentials"
    assert logs_on(lab, "admin1", lab.secrets["directory.user.admin1"]) == ""
    ticket = lab.run_site("directory", "klist -e -c FILE:/tmp/ccache-admin1").stdout
    assert "Etype (skey, tkt): aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96" in ticket


def test_ldap_takes_a_password_over_tls_alone(lab: Lab, site: SitePlace) -> None:
    """In the clear a bind is refused, right as the password is; TLS has the authority's certificate."""
    search = (
        "PASSWD_FILE=/dev/stdin ldbsearch -H {}://{} --simple-bind-dn=nobody1@{} -s base"
        " --option='tls cafile=/etc/ssl/lab-ca.pem' --option='tls verify peer=ca_and_name' 2>&1"
    )
    password = lab.secrets["directory.user.nobody1"]
    for protocol, given, said in (
        ("ldap", password, "LDAP_STRONG_AUTH_REQUIRED"),
        ("ldaps", "wrong", "LDAP_INVALID_CREDENTIALS"),
        ("ldaps", password, f"dn: {people.base_of(site)}\n"),
    ):
        asked = search.format(protocol, site.name("dc1"), site.ad_domain)
        assert said in lab.run_site("directory", asked, check=False, input=given).stdout


def test_groups_have_the_accounts_of_their_role(lab: Lab, site: SitePlace) -> None:
    found = lab.run_site("directory", f"ldbsearch -H {DATABASE} '(objectClass=group)' cn member").stdout
    members = {}
    for record in found.split("\n\n"):
        lines = record.splitlines()
        name = next((line[4:] for line in lines if line.startswith("cn: ")), "")
        members[name] = {line[11:].partition(",")[0] for line in lines if line.startswith("member: CN=")}
    for group, role in site.groups.items():
        assert members[group] == {account.name for account in people.ACCOUNTS if account.role == role}


def test_the_join_account_makes_computers_in_the_unit_and_does_nothing_else(
    lab: Lab, site: SitePlace
) -> None:
    assert logs_on(lab, "svc-join", lab.secrets["directory.join"]) == ""
    base, users = people.base_of(site), f"OU=Users,{site.computer_ou.partition(',')[2]}"
    computer = "changetype: add\nobjectClass: computer\nsAMAccountName: {0}$\nuserAccountControl: 4096\n"
    password = "unicodePwd:: " + base64.b64encode('"Changed-by-another-1"'.encode("utf-16-le")).decode()
    allowed = f"dn: CN=new1,{site.computer_ou}\n" + computer.format("new1")
    refused = {
        "a computer elsewhere": f"dn: CN=new2,CN=Computers,{base}\n" + computer.format("new2"),
        "a user": f"dn: CN=new3,{site.computer_ou}\nchangetype: add\nobjectClass: user\n",
        "a unit": f"dn: OU=new4,{site.computer_ou}\nchangetype: add\nobjectClass: organizationalUnit\n",
        "a password": f"dn: CN=admin1,{users}\nchangetype: modify\nreplace: unicodePwd\n{password}\n-\n",
        "a right of its own": f"dn: CN=svc-join,{users}\nchangetype: modify\n"
        "replace: userAccountControl\nuserAccountControl: 524800\n-\n",
        "a group": f"dn: CN=Domain Admins,CN=Users,{base}\nchangetype: modify\n"
        f"add: member\nmember: CN=svc-join,{users}\n-\n",
        "the controller": f"dn: CN=DC1,OU=Domain Controllers,{base}\nchangetype: modify\n"
        "replace: description\ndescription: mine\n-\n",
    }
    assert changes(lab, "svc-join", allowed) == ""
    done = {what: changes(lab, "svc-join", ldif) for what, ldif in refused.items()}
    assert {what for what, said in done.items() if "INSUFFICIENT_ACCESS_RIGHTS" not in said.upper()} == set()


def test_nobody_else_makes_computers(lab: Lab, site: SitePlace) -> None:
    assert logs_on(lab, "admin1", lab.secrets["directory.user.admin1"]) == ""
    said = changes(
        lab,
        "admin1",
        f"dn: CN=new5,{site.computer_ou}\nchangetype: add\nobjectClass: computer\nsAMAccountName: new5$\n"
        "userAccountControl: 4096\n",
    )
    assert "INSUFFICIENT_ACCESS_RIGHTS" in said.upper()


@pytest.fixture
def relay(site: SitePlace) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(str(site.address("mail")), mail.PORT, timeout=30) as link:
        link.ehlo()
        yield link


def _secured(relay: smtplib.SMTP, site: SitePlace) -> None:
    relay.starttls(context=ssl.create_default_context(cadata=site.authority.pem))
    relay.ehlo()


SENDER = "report@ot.lab.test"


def test_mail_without_tls_is_refused(relay: smtplib.SMTP) -> None:
    code, said = relay.mail(SENDER)
    assert (code, said) == (530, b"5.7.0 Must issue a STARTTLS command first")
    assert "auth" not in relay.esmtp_features


def test_mail_without_a_logon_is_refused(relay: smtplib.SMTP, site: SitePlace) -> None:
    _secured(relay, site)
    relay.mail(SENDER)
    assert relay.rcpt("operator@ot.lab.test")[0] == 554


def test_a_wrong_password_is_refused(relay: smtplib.SMTP, site: SitePlace) -> None:
    _secured(relay, site)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        relay.login(mail.ACCOUNT, "wrong")


def test_mail_of_who_has_logged_on_arrives(relay: smtplib.SMTP, lab: Lab, site: SitePlace) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, "control-room@ot.lab.test", "drift seen"
    message.set_content(f"mark-{os.getpid()}")
    _secured(relay, site)
    relay.login(mail.ACCOUNT, lab.secrets[mail.SECRET])
    relay.send_message(message)
    until(lambda: f"mark-{os.getpid()}" in lab.run_site("mail", f"cat {mail.MAILBOX}", check=False).stdout)


def test_mail_goes_in_by_the_submission_port_alone(lab: Lab) -> None:
    ports = lab.run_site("mail", "ss -Hltnp | grep -w master").stdout.split("\n")[:-1]
    assert [line.split()[3] for line in ports] == [f"0.0.0.0:{mail.PORT}"]


def test_a_machine_that_was_lost_comes_back_with_what_it_knew(lab: Lab, site: SitePlace) -> None:
    controller = lab.site_host("directory")
    unit = f"dn: OU=Kept,{people.base_of(site)}\nchangetype: add\nobjectClass: organizationalUnit\n"
    lab.run_site("directory", f"ldbmodify -H {DATABASE}", input=unit)
    assert controller.pid is not None
    os.kill(controller.pid, signal.SIGKILL)
    until(lambda: not controller.running)
    up = subprocess.run([*UP, lab.name], check=True, capture_output=True, text=True)
    assert "The lab" in up.stderr
    assert logs_on(lab, "admin1", lab.secrets["directory.user.admin1"]) == ""
    found = lab.run_site("directory", f"ldbsearch -H {DATABASE} '(ou=Kept)' dn").stdout
    assert f"dn: OU=Kept,{people.base_of(site)}" in found


def test_down_leaves_nothing(lab: Lab) -> None:
    lab.down()
    until(lambda: left_of(lab.place) == [])  # a probe on this machine may just be naming every mount


def test_down_after_up_was_killed_while_it_made_the_directory() -> None:
    place = LabPlace(lab_name())
    with subprocess.Popen([*UP, place.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
        until(lambda: programs_inside(place) != [])
        up.kill()
    try:
        assert programs_inside(place) != []
    finally:
        take_down(place.name)
    until(lambda: left_of(place) == [])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)
