"""Configuration of servers and mailers tells whether they encrypt, at which port, and whom they reach."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from services_host import permitted, printed, services

from plumbline.policy.load import load_standard
from plumbline.policy.servers import load_servers
from plumbline.probes.services import CONFIGURATION, INSTALLED
from plumbline.probes.services.mail import Mail
from plumbline.probes.services.web import READERS
from plumbline.probes.systemd import Line
from plumbline.rooms import LAB_INVENTORY
from plumbline.spec.load import load_inventory
from plumbline.spec.model import Site


def lines(text: str, file: str = "/etc/x.conf") -> list[Line]:
    return [Line(file, number, line) for number, line in enumerate(text.splitlines(), 1)]


def ports(program: str, text: str) -> dict[int, bool]:
    return {each.port: each.encrypted for each in READERS[program][1](lines(text))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server {\nlisten 443 ssl http2;\n}", {443: True}),
        ("server {\nlisten [::]:80 default_server;\n}", {80: False}),
        ("server {\nlisten 8443;\nssl on;\n}", {8443: True}),
        (
            "server {\nlisten 10.1.2.3:8080;\n}\nserver {\nlisten 443 quic reuseport;\n}",
            {8080: False, 443: True},
        ),
        ("server {\nlisten 443;\nssl_preread on;\n}\nserver {\nlisten 81;\n}", {443: True, 81: False}),
        ("server {\nssl_preread off;\nlisten 443;\n}", {443: False}),
        ("server {\nlisten unix:/run/x.sock;\n}", {}),
        ("server {\nlisten localhost;\n}", {80: False}),
    ],
)
def test_nginx(text: str, expected: dict[int, bool]) -> None:
    assert ports("nginx", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Listen 80", {80: False}),
        ("Listen 443\n<VirtualHost _default_:443>\nSSLEngine on\n</VirtualHost>", {443: True}),
        ("Listen 443\n<VirtualHost *:443>\nSSLEngine on\n</VirtualHost>\n<VirtualHost *:443>\n</VirtualHost>",
         {443: False}),
        ("Listen 443 https", {443: False}),
        ("Listen 8443\nSSLEngine On", {8443: True}),
        ("Listen 10.1.2.3:81\n<VirtualHost *:443>\nSSLEngine on\n</VirtualHost>", {81: False}),
    ],
)  # fmt: skip
def test_apache(text: str, expected: dict[int, bool]) -> None:
    assert ports("apache2", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server.port = 80", {80: False}),
        ('server.port = 443\nssl.engine = "enable"', {443: True}),
        ('server.port = 80\n$SERVER["socket"] == ":443" {\nssl.engine = "enable"\n}', {80: False, 443: True}),
    ],
)
def test_lighttpd(text: str, expected: dict[int, bool]) -> None:
    assert ports("lighttpd", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listener 1883", {1883: False}),
        ("listener 8883\ncertfile /etc/x.pem\nkeyfile /etc/k.pem", {8883: True}),
        ("listener 8883\ncertfile /etc/x.pem\nlistener 1883 10.1.2.3", {8883: True, 1883: False}),
        ("port 1883", {1883: False}),
        ("listener 0 /run/mosquitto.sock", {}),
    ],
)
def test_mosquitto(text: str, expected: dict[int, bool]) -> None:
    assert ports("mosquitto", text) == expected


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("bind 127.0.0.1 -::1\nport 6379", True),
        ("port 6379\nbind 127.0.0.1 10.1.2.3", False),
        ("port 6379", False),
    ],
)
def test_redis_is_bound_wherever_the_line_stands(text: str, local: bool) -> None:
    (found,) = READERS["redis-server"][1](lines(text))
    assert (found.port, found.encrypted, found.is_local) == (6379, False, local)


DECLARED = load_inventory(LAB_INVENTORY).site
SITE = DECLARED.model_copy(update={"mail_relay": None})


def mail(package: str, rows: Iterable[str], site: Site = SITE) -> Mail:
    """Return a host with a mailer, configured so, of a site that names no relay."""
    installed = printed("debian-12-hardened")[INSTALLED].replace("packages\t", f"packages\t {package} ")
    host = services("debian-12-hardened", {INSTALLED: installed, CONFIGURATION: "".join(rows) + "end\n"})
    return host.mail(permitted(), load_servers(load_standard("mhth-ot").name), site)


def conf(server: str, text: str) -> list[str]:
    return [f"conf\t{server}\t/etc/{server}\t{n}\t{line}\n" for n, line in enumerate(text.splitlines(), 1)]


def postfix(**said: str) -> list[str]:
    return [f"postfix\t{key} = {value}\n" for key, value in said.items()]


RELAY = f"[mail.{SITE.domain}]:587"
GOOD = {"relayhost": RELAY, "smtp_tls_security_level": "encrypt", "smtp_sasl_auth_enable": "yes"}


@pytest.mark.parametrize(
    ("package", "rows", "expected"),
    [
        ("postfix", postfix(**GOOD), (0, 0, 0)),
        ("postfix", postfix(**{**GOOD, "relayhost": ""}), (1, 0, 0)),
        ("postfix", postfix(**{**GOOD, "relayhost": "smtp.mail.example"}), (1, 0, 0)),
        ("postfix", postfix(**{**GOOD, "relayhost": f"{SITE.domain}.mail.example"}), (1, 0, 0)),
        ("postfix", postfix(**{**GOOD, "relayhost": "8.8.8.8"}), (1, 0, 0)),
        ("postfix", postfix(**{**GOOD, "relayhost": "[10.1.2.3]"}), (0, 0, 0)),
        ("postfix", postfix(**{**GOOD, "smtp_tls_security_level": "may"}), (0, 1, 0)),
        ("postfix", postfix(**{**GOOD, "smtp_sasl_auth_enable": "no"}), (0, 0, 1)),
        ("postfix", postfix(relayhost="", default_transport="error:no mail"), (0, 0, 0)),
        ("exim4-daemon-light", conf("exim", "dc_eximconfig_configtype='local'"), (0, 0, 0)),
        ("exim4-daemon-light", conf("exim", "dc_eximconfig_configtype='internet'"), (1, 1, 1)),
        ("exim4-daemon-light",
         conf("exim", f"dc_eximconfig_configtype='satellite'\ndc_smarthost='mail.{SITE.domain}::587'\n"
                      "REMOTE_SMTP_SMARTHOST_HOSTS_REQUIRE_TLS = *"), (0, 0, 0)),
        ("msmtp", conf("msmtp", f"defaults\nhost mail.{SITE.domain}\ntls on\nauth on"), (0, 0, 0)),
        ("msmtp", conf("msmtp", "host smtp.mail.example"), (1, 1, 1)),
        ("nullmailer", conf("nullmailer", f"mail.{SITE.domain} smtp --starttls --user= --pass="), (0, 0, 0)),
        ("nullmailer", conf("nullmailer", f"mail.{SITE.domain} smtp"), (0, 1, 1)),
        ("dma", conf("dma", f"SMARTHOST mail.{SITE.domain}\nSECURETRANSFER\nAUTHPATH /etc/x"), (0, 0, 0)),
        ("ssmtp", conf("ssmtp", f"mailhub=mail.{SITE.domain}\nUseSTARTTLS=YES\nAuthUser=x"), (0, 0, 0)),
    ],
)  # fmt: skip
def test_mailers(package: str, rows: list[str], expected: tuple[int, int, int]) -> None:
    seen = mail(package, rows)
    assert (len(seen.to_others()), len(seen.without_tls()), len(seen.without_logon())) == expected


@pytest.mark.parametrize(
    ("relay", "approved"),
    [
        ("[mail.ot.lab.test]:587", True),
        ("MAIL.ot.lab.test", True),
        ("[127.0.0.1]:587", True),
        ("localhost", True),
        ("[other.ot.lab.test]:587", False),
        ("ot.lab.test", False),
        ("[10.1.2.3]", False),
    ],
)
def test_where_the_site_names_its_relay_no_other_host_is_one(relay: str, approved: bool) -> None:
    seen = mail("postfix", postfix(**{**GOOD, "relayhost": relay}), DECLARED)
    assert (seen.to_others() == []) is approved


def test_a_mailer_nobody_can_read_is_unknown() -> None:
    with pytest.raises(Exception, match="nobody here knows how opensmtpd is configured"):
        mail("opensmtpd", []).to_others()
