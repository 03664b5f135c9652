"""Ways to make a booted host's operating system wrong that do not hide one another, each with its finding."""

from __future__ import annotations

from dataclasses import dataclass

MIRROR = "/var/cache/lab/packages"
SOURCES_D, PREFERENCES = "/etc/apt/sources.list.d", "/etc/apt/preferences.d"

RELEASE, UPDATES, REBOOT = "release-supported:", "updates-installed:", "no-reboot-owed:"
APPROVED = "packages-from-approved-sources:"

BUILD = rf"""
mkdir -p /root/kept /root/debs; cp -a {MIRROR}/Packages /root/kept/Packages
build() {{ # NAME VERSION [SECTION]
    d=$(mktemp -d); chmod 755 $d; mkdir $d/DEBIAN $d/opt; touch $d/opt/$1
    printf 'Package: %s\nVersion: %s\nSection: %s\nArchitecture: all\nMaintainer: Lab <lab@ot.lab.test>\n' \
        "$1" "$2" "${{3:-misc}}" >$d/DEBIAN/control
    printf 'Description: a package of the lab\n' >>$d/DEBIAN/control
    dpkg-deb -b $d /root/debs/$1_$2.deb >/dev/null; rm -r $d
}}
offer() {{ # NAME VERSION: put it in the mirror
    cp /root/debs/$1_$2.deb {MIRROR}/
    {{ echo; dpkg-deb -f {MIRROR}/$1_$2.deb; printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n' $1_$2.deb \
        $(stat -c %s {MIRROR}/$1_$2.deb) $(sha256sum <{MIRROR}/$1_$2.deb | cut -d' ' -f1)
    }} >>{MIRROR}/Packages
}}
install() {{ dpkg -i /root/debs/$1_$2.deb >/dev/null; }}
"""
"""Shell functions that make small packages, put them in the mirror, and install them."""


@dataclass(frozen=True)
class Wrong:
    """How a host is made wrong and right again, and what the check `control:check` then must observe."""

    wrong: str
    right: str
    check: str
    found: str


def package(name: str, commands: str, check: str, found: str, also: str = "true") -> Wrong:
    """Do something with small packages of that name, which are purged afterwards."""
    return Wrong(commands, f"dpkg --purge --force-all {name} >/dev/null 2>&1; {also}", check, found)


def source(name: str, text: str, check: str, found: str) -> Wrong:
    """Write a file of package sources."""
    return Wrong(f"printf '{text}' >{SOURCES_D}/{name}", f"rm -f {SOURCES_D}/{name}", check, found)


def preference(name: str, pin: str, found: str) -> Wrong:
    """Prefer the installed version of a package over the mirror's newer one."""
    text = f"Package: {name}\\nPin: {pin}\\n"
    return package(
        name,
        f"build {name} 1.0; build {name} 2.0; install {name} 1.0; offer {name} 2.0; "
        f"printf '{text}' >{PREFERENCES}/{name}",
        f"{UPDATES}nothing_is_pinned_back",
        found,
        also=f"rm -f {PREFERENCES}/{name}",
    )


def beside(path: str, make: str, found: str) -> Wrong:
    """Install something beside the packages."""
    folder = path.rpartition("/")[0]
    return Wrong(
        f"mkdir -p {folder}; {make} {path}",
        f"rm -rf {path}; rmdir -p --ignore-fail-on-non-empty {folder}",
        f"{APPROVED}nothing_is_installed_beside",
        found,
    )


SLEEP = "/usr/local/bin/lab-replaced"
LIBRARY = "/usr/lib/lab-library.so.1"

WRONGS: dict[str, Wrong] = {
    "update_is_there": package(
        "lab-old",
        "build lab-old 1.0; build lab-old 1.1; install lab-old 1.0; offer lab-old 1.0; offer lab-old 1.1",
        f"{UPDATES}no_update_is_missing",
        f"lab-old 1.0 → 1.1 (file:{MIRROR} ./)",
    ),
    "package_is_held": package(
        "lab-held",
        "build lab-held 1.0; install lab-held 1.0; offer lab-held 1.0; apt-mark -q hold lab-held",
        f"{UPDATES}nothing_is_held_back",
        "lab-held 1.0 (hi)",
    ),
    "preference_for_the_installed_version": preference(
        "lab-pinned",
        "version 1.0\\nPin-Priority: 1001",
        f"lab-pinned 1.0 → 2.0 (file:{MIRROR} ./); {PREFERENCES}/lab-minus:3:Pin-Priority: -1, "
        f"{PREFERENCES}/lab-pinned:3:Pin-Priority: 1001",
    ),
    "preference_against_the_source": preference(
        "lab-minus",
        'origin ""\\nPin-Priority: -1',
        f"lab-minus 1.0 → 2.0 (file:{MIRROR} ./); {PREFERENCES}/lab-minus:3:Pin-Priority: -1, "
        f"{PREFERENCES}/lab-pinned:3:Pin-Priority: 1001",
    ),
    "package_is_unpacked_only": package(
        "lab-broken",
        "build lab-broken 1.0; offer lab-broken 1.0; dpkg --unpack /root/debs/lab-broken_1.0.deb >/dev/null",
        f"{UPDATES}packages_are_whole",
        "lab-broken 1.0 (iU)",
    ),
    "package_from_a_file": package(
        "lab-local",
        "build lab-local 1.0; install lab-local 1.0",
        f"{APPROVED}packages_come_from_sources",
        "lab-local 1.0",
    ),
    "package_newer_than_any_source_has": package(
        "lab-newer",
        "build lab-newer 1.0; build lab-newer 3.0; offer lab-newer 1.0; install lab-newer 3.0",
        f"{APPROVED}packages_come_from_sources",
        f"lab-newer 3.0 (1.0 file:{MIRROR})",
    ),
    "package_that_is_not_free": package(
        "lab-unfree",
        "build lab-unfree 1.0 non-free/net; install lab-unfree 1.0; offer lab-unfree 1.0",
        f"{APPROVED}what_is_not_free_is_declared",
        "lab-unfree 1.0 (non-free/net)",
    ),
    "source_of_testing": source(
        "lab-testing.list",
        "# testing\\ndeb http://somebody:lab-secret@mirror.ot.test/debian testing main\\n",
        f"{RELEASE}sources_are_of_this_release",
        f"http://mirror.ot.test/debian/ testing main ({SOURCES_D}/lab-testing.list:2)",
    ),
    "source_of_the_next_release_in_the_new_form": source(
        "lab-next.sources",
        "Types: deb\\nURIs: http://mirror.ot.test/debian\\nSuites: trixie-updates\\nComponents: main\\n",
        f"{RELEASE}sources_are_of_this_release",
        f"http://mirror.ot.test/debian/ trixie-updates main ({SOURCES_D}/lab-next.sources:1)",
    ),
    "source_nobody_approved": source(
        "lab-vendor.list",
        "deb [arch=amd64] https://packages.vendor.test/linux stable main\\n",
        f"{APPROVED}sources_are_approved",
        f"https://packages.vendor.test/linux/ stable main ({SOURCES_D}/lab-vendor.list:1)",
    ),
    "source_beside_the_approved_one": source(
        "lab-beside.list",
        f"deb [trusted=yes] file:{MIRROR}/../others ./\\n",
        f"{APPROVED}sources_are_approved",
        f"file:{MIRROR}/../others/ ./ ({SOURCES_D}/lab-beside.list:1)",
    ),
    "source_in_the_first_file": Wrong(
        f"echo 'deb [trusted=yes] file:{MIRROR}-other ./' >/etc/apt/sources.list",
        "rm -f /etc/apt/sources.list",
        f"{APPROVED}sources_are_approved",
        f"file:{MIRROR}-other/ ./ (/etc/apt/sources.list:1)",
    ),
    "installed_by_pip": beside(
        "/usr/local/lib/python3.11/dist-packages/asyncua-1.1.5.dist-info",
        "mkdir",
        "pip:asyncua (/usr/local/lib/python3.11/dist-packages/asyncua-1.1.5.dist-info)",
    ),
    "installed_by_npm": beside(
        "/usr/local/lib/node_modules/@vendor/flow",
        "mkdir",
        "npm:@vendor/flow (/usr/local/lib/node_modules/@vendor/flow)",
    ),
    "installed_by_gem": beside(
        "/var/lib/gems/3.1.0/gems/modbus-2.0", "mkdir", "gem:modbus (/var/lib/gems/3.1.0/gems/modbus-2.0)"
    ),
    "installed_by_pip_for_root": beside(
        "/root/.local/lib/python3.11/site-packages/asyncua-1.1.5.dist-info",
        "mkdir",
        "pip:asyncua (/root/.local/lib/python3.11/site-packages/asyncua-1.1.5.dist-info)",
    ),
    "installed_by_snap": beside(
        "/var/lib/snapd/snaps/viewer_12.snap", "touch", "snap:viewer (/var/lib/snapd/snaps/viewer_12.snap)"
    ),
    "installed_by_flatpak": beside(
        "/var/lib/flatpak/app/test.lab.Viewer",
        "mkdir",
        "flatpak:test.lab.Viewer (/var/lib/flatpak/app/test.lab.Viewer)",
    ),
    "reboot_is_asked_for": Wrong(
        "touch /run/reboot-required; echo libc6 >/run/reboot-required.pkgs",
        "rm -f /run/reboot-required /run/reboot-required.pkgs",
        f"{REBOOT}no_reboot_is_asked_for",
        "libc6",
    ),
    "program_runs_that_was_replaced": Wrong(
        f"cp /usr/bin/sleep {SLEEP}; systemd-run -q --unit=lab-replaced {SLEEP} 600; "
        f'until [ "$(readlink /proc/$(systemctl show -P MainPID lab-replaced)/exe)" = {SLEEP} ]; do :; done; '
        f"cp /usr/bin/sleep {SLEEP}.new; "
        f"mv {SLEEP}.new {SLEEP}",
        f"systemctl stop lab-replaced; rm -f {SLEEP}",
        f"{REBOOT}no_replaced_program_runs",
        SLEEP,
    ),
    "library_is_used_that_was_removed": Wrong(
        f"cp /usr/lib/x86_64-linux-gnu/libz.so.1 {LIBRARY}; "
        f"systemd-run -q --unit=lab-library -E LD_PRELOAD={LIBRARY} /usr/bin/sleep 600; "
        f"until grep -q {LIBRARY} /proc/$(systemctl show -P MainPID lab-library)/maps; do :; done; "
        f"rm {LIBRARY}",
        "systemctl stop lab-library",
        f"{REBOOT}no_replaced_program_runs",
        LIBRARY,
    ),
}

UPDATE = "apt-get -qq -o Acquire::Retries=0 update 2>&1 || true"
RESTORE = (
    f"cp -a /root/kept/Packages {MIRROR}/Packages; rm -rf /root/kept /root/debs {MIRROR}/lab-*.deb; "
    "apt-get -qq update"
)
"""What takes the small packages out of the mirror."""

ALL_WRONG = "\n".join((BUILD, *(one.wrong for one in WRONGS.values()), UPDATE))
ALL_RIGHT = "\n".join(("set +e", *(one.right for one in WRONGS.values()), RESTORE))
