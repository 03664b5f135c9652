"""Algorithms, keys and their lives, TLS, passwords, and encrypted disks are as chapter 15 asks."""

from plumbline.verify import Unknown, control, not_applicable
from plumbline.verify.seen import Each, Reading

CONTAINERS = ("systemd-nspawn", "docker", "podman", "lxc", "lxc-libvirt", "container-other", "openvz", "wsl")


def of_running_ssh(host):
    """Return what is seen of cryptography, where an SSH server listens."""
    if not host.crypto.ssh_listens:
        not_applicable("no SSH server listens")
    return host.crypto


def of_ssh_server(host):
    """Return what is seen of cryptography, where there is an SSH server."""
    if not host.crypto.has_ssh_server:
        not_applicable("there is no SSH server on this host")
    return host.crypto


def of_ssh_client(host):
    """Return what is seen of cryptography, where there is an SSH client."""
    if not host.crypto.has_ssh_client:
        not_applicable("there is no SSH client on this host")
    return host.crypto


@control("ssh-algorithms")
def test_running_ssh_offers_accepted_ciphers(host, accepts):
    """Running SSH servers encrypt with accepted ciphers only."""
    assert of_running_ssh(host).ssh_now("ciphers", accepts("ciphers")) == []


@control("ssh-algorithms")
def test_ssh_will_offer_accepted_ciphers(host, accepts):
    """SSH servers will encrypt with accepted ciphers only, also after the next boot."""
    assert of_ssh_server(host).ssh_at_boot("ciphers", accepts("ciphers")) == []


@control("ssh-algorithms")
def test_running_ssh_offers_accepted_macs(host, accepts):
    """Running SSH servers authenticate messages with accepted hashes only."""
    assert of_running_ssh(host).ssh_now("macs", accepts("macs")) == []


@control("ssh-algorithms")
def test_ssh_will_offer_accepted_macs(host, accepts):
    """SSH servers will authenticate messages with accepted hashes only, also after the next boot."""
    assert of_ssh_server(host).ssh_at_boot("macs", accepts("macs")) == []


@control("ssh-algorithms")
def test_running_ssh_agrees_on_keys_as_accepted(host, accepts):
    """Running SSH servers agree on session keys in accepted ways only."""
    seen = of_running_ssh(host)
    assert seen.ssh_now("key_exchange", accepts("key_exchange"), accepts("curves")) == []


@control("ssh-algorithms")
def test_ssh_will_agree_on_keys_as_accepted(host, accepts):
    """SSH servers will agree on session keys in accepted ways only, also after the next boot."""
    seen = of_ssh_server(host)
    assert seen.ssh_at_boot("key_exchange", accepts("key_exchange"), accepts("curves")) == []


@control("ssh-algorithms")
def test_groups_of_ssh_are_long_enough(host, accepts):
    """The groups an SSH server may choose for agreeing on a key have at least the accepted size."""
    moduli = of_ssh_server(host).moduli
    if not moduli:
        not_applicable("there is no file of groups; sshd has its own")
    assert moduli in Each(accepts("group_bits"))


@control("ssh-algorithms")
def test_running_ssh_signs_as_accepted(host, accepts):
    """Running SSH servers prove who they are with accepted signatures only."""
    assert of_running_ssh(host).ssh_now("signatures", accepts("signatures")) == []


@control("ssh-algorithms")
def test_ssh_will_sign_and_take_accepted_signatures(host, accepts):
    """SSH servers will sign, and let users in, with accepted signatures only, also after the next boot."""
    assert of_ssh_server(host).ssh_at_boot("signatures", accepts("signatures")) == []


@control("ssh-algorithms")
def test_ssh_client_proposes_accepted_ciphers(host, accepts):
    """The SSH client encrypts with accepted ciphers only, whoever uses it."""
    assert of_ssh_client(host).ssh_client("ciphers", accepts("ciphers")) == []


@control("ssh-algorithms")
def test_ssh_client_proposes_accepted_macs(host, accepts):
    """The SSH client authenticates messages with accepted hashes only, whoever uses it."""
    assert of_ssh_client(host).ssh_client("macs", accepts("macs")) == []


@control("ssh-algorithms")
def test_ssh_client_agrees_on_keys_as_accepted(host, accepts):
    """The SSH client agrees on session keys in accepted ways only, whoever uses it."""
    seen = of_ssh_client(host)
    assert seen.ssh_client("key_exchange", accepts("key_exchange"), accepts("curves")) == []


@control("ssh-algorithms")
def test_ssh_client_signs_as_accepted(host, accepts):
    """The SSH client signs, and believes hosts, with accepted signatures only, whoever uses it."""
    assert of_ssh_client(host).ssh_client("signatures", accepts("signatures")) == []


@control("tls-strong")
def test_listeners_speak_accepted_versions(host, accepts):
    """Listeners agree to accepted versions of TLS only."""
    listeners = host.crypto.listeners
    if not listeners:
        not_applicable("nothing on this host listens for TLS")
    offered = {
        Reading("version", version, str(listener)) for listener in listeners for version, _ in listener.offers
    }
    assert sorted(Each(accepts("versions")).outside(offered), key=str) == []
    agreed(listeners)


@control("tls-strong")
def test_listeners_agree_to_accepted_suites(host, accepts):
    """Listeners agree to accepted cipher suites only."""
    listeners = host.crypto.listeners
    if not listeners:
        not_applicable("nothing on this host listens for TLS")
    offered = {
        Reading(version, suite, str(listener)) for listener in listeners for version, suite in listener.offers
    }
    assert sorted(Each(accepts("suites")).outside(offered), key=str) == []
    agreed(listeners)


def agreed(listeners):
    """Raise `Unknown` if a listener speaks TLS and agreed to no greeting."""
    if silent := [str(listener) for listener in listeners if not listener.offers]:
        raise Unknown(
            "{listeners} speaks TLS and agreed to nothing it was asked for; look at its configuration",
            listeners=", ".join(silent),
        )


@control("tls-strong")
def test_listeners_at_ports_of_tls_speak_it(host):
    """Whatever listens at a port that is for TLS answers in TLS."""
    assert host.crypto.silent_listeners == []


@control("tls-strong")
def test_openssl_refuses_old_versions(host):
    """OpenSSL refuses versions of TLS before 1.2 by itself, with every configuration it is given."""
    if not host.crypto.has_openssl:
        not_applicable("OpenSSL is not installed on this host")
    assert host.crypto.openssl_old == []


@control("tls-strong")
def test_openssl_offers_accepted_suites(host, accepts):
    """OpenSSL offers accepted cipher suites only by itself, with every configuration it is given."""
    if not host.crypto.has_openssl:
        not_applicable("OpenSSL is not installed on this host")
    assert host.crypto.openssl_suites(accepts("suites")) == []


@control("tls-strong")
def test_gnutls_offers_accepted_versions(host, accepts):
    """GnuTLS offers accepted versions of TLS only by itself."""
    if not host.crypto.has_gnutls:
        not_applicable("GnuTLS is not installed on this host")
    assert [seen for seen in host.crypto.gnutls.versions if seen.bare not in accepts("versions")] == []


@control("tls-strong")
def test_gnutls_offers_accepted_ciphers(host, accepts):
    """GnuTLS offers accepted ciphers only by itself."""
    if not host.crypto.has_gnutls:
        not_applicable("GnuTLS is not installed on this host")
    assert [seen for seen in host.crypto.gnutls.ciphers if seen.bare not in accepts("gnutls_ciphers")] == []


@control("tls-strong")
def test_gnutls_offers_accepted_hashes(host, accepts):
    """GnuTLS authenticates messages with accepted hashes only by itself."""
    if not host.crypto.has_gnutls:
        not_applicable("GnuTLS is not installed on this host")
    assert [seen for seen in host.crypto.gnutls.macs if seen.bare not in accepts("gnutls_macs")] == []


@control("tls-strong")
def test_java_is_judged(host):
    """Whether Java's TLS keeps to the accepted versions and suites is known."""
    if not host.crypto.java:
        not_applicable("Java is not installed on this host")
    raise Unknown(
        "what Java offers in TLS is not judged here; compare jdk.tls.disabledAlgorithms in {files} by hand",
        files=", ".join(host.crypto.java),
    )


@control("keys-strong")
def test_host_keys_of_ssh_are_strong(host, accepts):
    """The host keys that SSH servers offer are of an accepted kind and length."""
    assert weak(of_ssh_server(host).host_keys, accepts) == []


@control("keys-strong")
def test_ssh_refuses_short_rsa_keys(host, accepts):
    """SSH servers refuse RSA keys shorter than accepted."""
    assert of_ssh_server(host).smallest_rsa in Each(accepts("rsa_bits"))


@control("keys-strong")
def test_keys_that_open_accounts_are_strong(host, accepts):
    """The SSH keys that open accounts are of an accepted kind and length."""
    assert weak(host.crypto.authorized_keys, accepts) == []


@control("keys-strong")
def test_users_keys_are_strong(host, accepts):
    """The SSH keys that users of this host have are of an accepted kind and length."""
    assert weak(host.crypto.user_keys, accepts) == []


@control("keys-strong")
def test_certificates_hold_strong_keys(host, accepts):
    """The host's certificates, presented or lying on disk, hold keys of an accepted kind and length."""
    found = [
        f"{certificate.told}: {certificate.kind} {certificate.bits or ''}".rstrip() + f" ({where})"
        for where, certificate in [*host.crypto.certificates(), *host.crypto.presented_with]
        if certificate.kind not in accepts("key_kinds") or certificate.bits not in accepts("rsa_bits")
    ]
    assert found == []
    all_read(host)


@control("keys-strong")
def test_certificates_are_signed_with_strong_hashes(host, accepts):
    """The host's certificates are signed with accepted hashes."""
    found = [
        Reading(certificate.told, certificate.hash_name, where)
        for where, certificate in [
            *host.crypto.certificates(),
            *(each for each in host.crypto.presented_with if not each[1].is_self_signed),
        ]
    ]
    assert Each(accepts("certificate_hashes")).outside(found) == []
    all_read(host)


@control("keys-strong")
def test_private_keys_on_disk_are_strong(host, accepts):
    """The private keys that lie on disk are of an accepted kind and length."""
    assert weak(host.crypto.private_keys, accepts) == []


@control("keys-strong")
def test_private_keys_are_not_open_to_all(host):
    """Nobody but its owner and group may read a private key."""
    assert host.crypto.open_private_keys == []


def all_read(host):
    """Raise `Unknown` if something that is called a certificate could not be read."""
    if host.crypto.unreadable:
        raise Unknown(
            "what is no certificate calls itself one: {files}", files=", ".join(host.crypto.unreadable)
        )


def weak(keys, accepts):
    """Return the keys of another kind or length than accepted; `Unknown` if that cannot be told of one."""
    told = [
        key for key in keys if key.kind and (key.bits is not None or key.kind not in accepts("key_kinds"))
    ]
    found = [
        key for key in told if key.kind not in accepts("key_kinds") or key.bits not in accepts("rsa_bits")
    ]
    untold = [key for key in keys if key not in told]
    if untold and not found:
        raise Unknown(
            "the kind or length of these keys cannot be told: {keys}",
            keys=", ".join(str(key) for key in untold),
        )
    return found


@control("keys-renewed-yearly")
def test_keys_live_no_longer_than_accepted(host, accepts):
    """No SSH key or keytab is older, and no certificate valid for longer, than accepted."""
    assert [key for key in host.crypto.lifetimes() if key.days not in accepts("key_days")] == []
    all_read(host)


@control("keys-renewed-yearly")
def test_no_certificate_has_ended(host):
    """Every certificate of the host was valid when the evidence was collected."""
    assert [key for key in host.crypto.lifetimes() if key.ended is not None] == []
    all_read(host)


@control("password-hashing")
def test_new_passwords_are_hashed_as_accepted(host, accepts):
    """New passwords are hashed with an accepted method."""
    assert [found for found in host.crypto.set_hashing if found.method not in accepts("methods")] == []


@control("password-hashing")
def test_passwords_were_hashed_as_accepted(host, accepts):
    """The passwords there are were hashed with an accepted method."""
    assert [found for found in host.crypto.used_hashing if found.method not in accepts("methods")] == []


@control("classified-data-encrypted")
def test_classified_data_lies_on_encrypted_volumes_now(host, spec, accepts):
    """What holds classified data is mounted from an encrypted volume now."""
    paths, disks, found = classified(spec, accepts), of_disks(host), []
    for path, at in [(each, at) for each in paths for at in disks.mounts_in(each, declared(spec))]:
        kind, source = disks.mounts[at]
        if not disks.found(source):
            raise Unknown(
                "on what {path} lies cannot be seen: {source}", path=path, source=f"{source}, {kind}"
            )
        found += [Reading(path, f"on {way}", f"{source} at {at}") for way in disks.open_ways(source)]
    assert found == []


@control("classified-data-encrypted")
def test_swap_is_encrypted_where_data_is_classified(host, spec, accepts):
    """Where data is classified, memory is written to encrypted swap only."""
    classified(spec, accepts)
    assert [Reading(source, f"on {way}", place) for place, source, way in of_disks(host).open_swaps()] == []


@control("classified-data-encrypted")
def test_classified_data_will_lie_on_encrypted_volumes(host, spec, accepts):
    """What holds classified data will be mounted from an encrypted volume after the next boot."""
    paths, disks, found = classified(spec, accepts), of_disks(host), []
    for path, at in [(each, at) for each in paths for at in disks.boot_mounts_in(each, declared(spec))]:
        where, source = disks.boot_source(at)
        crypts = disks.crypts(source)
        if not crypts or disks.open_ways(source):
            found.append(Reading(path, source, where))
        found += [
            Reading(name, "not opened at boot", "/etc/crypttab")
            for name in crypts
            if name not in disks.crypttab
        ]
    assert found == []


@control("classified-data-encrypted")
def test_volumes_of_classified_data_are_encrypted_as_accepted(host, spec, accepts):
    """Volumes with classified data are encrypted with an accepted cipher and length of key."""
    paths, disks = classified(spec, accepts), of_disks(host)
    mounts = [at for path in paths for at in disks.mounts_in(path, declared(spec))]
    names = [name for at in mounts for name in disks.crypts(disks.mounts[at][1])]
    if not names:
        not_applicable("classified data lies on no encrypted volume")
    found = [
        Reading(name, disks.ciphers[name].told if name in disks.ciphers else None, "dmsetup table")
        for name in names
    ]
    assert Each(accepts("disk_ciphers")).outside(found) == []


@control("classified-data-encrypted")
def test_portable_device_is_encrypted(host, spec, accepts):
    """A portable device keeps everything on encrypted volumes, unless its data is declared not sensitive."""
    disks = host.crypto.disks
    if disks.portable is None:
        not_applicable("this host is no portable device")
    declared = [partition.classification for partition in spec.storage if partition.holds != "swap"]
    if all(level is not None and level not in accepts("classified") for level in declared):
        not_applicable("no data of this host is classified above internal")
    found = [
        Reading(at, f"on {way}", source)
        for at, (_, source) in disks.mounts.items()
        for way in disks.open_ways(source)
        if not at.startswith(("/boot", "/efi"))
    ]
    assert found == []


@control("classified-data-encrypted")
def test_media_for_classified_data_are_refused_or_encrypted(host, spec, value, accepts):
    """Where data is classified, removable media are refused by the kernel or hold encrypted volumes only."""
    classified(spec, accepts)
    plain = [
        Reading(block.name, block.filesystem, "removable")
        for block in host.crypto.disks.blocks
        if block.removable and block.filesystem not in ("", "crypto_LUKS", "LVM2_member")
    ]
    ways = (
        []
        if value("media") == "encrypted"
        else [way for name in value("media_modules") for way in host.kernel_modules.ways_in(name)]
    )
    assert [*plain, *ways] == []


def classified(spec, accepts):
    """Return where data that must be encrypted is kept; the check does not apply where there is none."""
    paths = [each.mount for each in spec.storage if each.classification in accepts("classified")]
    if not paths:
        not_applicable("no data of this host is classified above internal")
    return paths


def declared(spec):
    """Return where the specification keeps something, whatever its class."""
    return [each.mount for each in spec.storage]


def of_disks(host):
    """Return what is seen of disks; `Unknown` in a container, whose disks are its machine's."""
    if host.system.virtualization in CONTAINERS:
        raise Unknown(
            "this host is a container ({kind}): what encrypts its disks is seen on its machine only",
            kind=host.system.virtualization,
        )
    return host.crypto.disks
