"""Ways to let others write to a hardened host's files or gain rights by them, and where each is found."""

from __future__ import annotations

from dataclasses import dataclass

OS, ROOT = "system_files_are_the_system_s_to_write", "what_root_runs_is_the_system_s_to_write"
COMING = "files_to_come_are_the_system_s_to_write"
NOW, BOOT = "nothing_covers_the_system_now", "nothing_covers_the_system_after_boot"


@dataclass(frozen=True)
class Wrong:
    """A sabotage: the commands that do and undo it, the check that finds it, and what it is told to find."""

    do: str
    undo: str
    check: str
    found: str


def made(path: str, mode: str, check: str, found: str, *, owner: str = "root:root", text: str = "") -> Wrong:
    """Make a file, with its directory if that is named after us or is one of drop-ins."""
    directory = path.rpartition("/")[0]
    own = "vendor" in directory or directory.endswith(".service.d")
    return Wrong(
        f"mkdir -p {directory}; printf '%b' '{text}' >{path}; chown {owner} {path}; chmod {mode} {path}",
        f"rm {path}" + (f"; rmdir {directory}" if own else ""),
        check,
        found,
    )


def unit(name: str, text: str, found: str) -> Wrong:
    """Write a unit."""
    return made(f"/etc/systemd/system/{name}.service", "644", ROOT, found, text=text)


def attribute(path: str, name: str, entries: str) -> str:
    """Return a command that gives a file an access list (acl(5)): a triple of tag, rights and id each."""
    return (
        'python3 -c "import os, struct; os.setxattr('
        f"'{path}', 'system.posix_acl_{name}', struct.pack('<I', 2) + b''.join("
        f"struct.pack('<HHI', *e) for e in {entries}))\""
    )


_NONE = "0xffffffff"
_PLAIN_WRITES = f"[(1, 6, {_NONE}), (2, 6, 1001), (4, 4, {_NONE}), (16, 6, {_NONE}), (32, 4, {_NONE})]"
PLAIN_READS = f"[(1, 6, {_NONE}), (2, 4, 1001), (4, 4, {_NONE}), (16, 4, {_NONE}), (32, 0, {_NONE})]"

_PERSONS = "mkdir /opt/{0}; echo : >/opt/{0}/x; chown plain /opt/{0}/x"

SYSTEM = {
    "everybody_may_write_a_configuration": Wrong(
        "chmod o+w /etc/hosts", "chmod o-w /etc/hosts", OS, "/etc/hosts: everybody"
    ),
    "sticky_directory_of_the_system": Wrong(
        "mkdir -m 1777 /usr/lib/vendor-drop",
        "rmdir /usr/lib/vendor-drop",
        OS,
        "/usr/lib/vendor-drop: everybody",
    ),
    "person_owns_a_program_he_cannot_write": made(
        "/usr/lib/vendor-run", "555", OS, "/usr/lib/vendor-run: its owner plain", owner="plain:root"
    ),
    "person_s_primary_group_may_write": made(
        "/etc/vendor-a", "664", OS, "/etc/vendor-a: plain of the group users", owner="root:users"
    ),
    "person_joined_a_group_of_the_system": Wrong(
        "cp /etc/group /root/group; mkdir /usr/local/vendor; chgrp staff /usr/local/vendor; "
        "chmod g+ws /usr/local/vendor; sed -i 's/^staff:.*/&plain/' /etc/group",
        "rmdir /usr/local/vendor; cp /root/group /etc/group",
        OS,
        "/usr/local/vendor: plain of the group staff",
    ),
    "access_list_lets_a_person_write": Wrong(
        f"touch /etc/vendor-b; {attribute('/etc/vendor-b', 'access', _PLAIN_WRITES)}",
        "rm /etc/vendor-b",
        OS,
        "/etc/vendor-b: plain by its access list",
    ),
    "access_list_for_files_to_come": Wrong(
        f"mkdir /etc/vendor.d; {attribute('/etc/vendor.d', 'default', _PLAIN_WRITES)}",
        "rmdir /etc/vendor.d",
        COMING,
        "/etc/vendor.d: plain by its access list, for files to come",
    ),
    "unit_file_is_a_person_s": made(
        "/etc/systemd/system/vendor-z.service",
        "644",
        OS,
        "/etc/systemd/system/vendor-z.service: its owner plain",
        owner="plain:root",
    ),
    "path_of_root_through_a_home": made(
        "/etc/profile.d/vendor-path.sh",
        "644",
        ROOT,
        "/etc/profile.d/vendor-path.sh:1: /home/plain/bin by /home/plain: its owner plain",
        text="PATH=/home/plain/bin:$PATH\\n",
    ),
    "path_of_root_has_the_working_directory": made(
        "/root/.bash_login", "644", ROOT, "/root/.bash_login:1: . in PATH", text="export PATH=.:$PATH\\n"
    ),
    "path_of_cron_ends_with_a_colon": made(
        "/etc/cron.d/vendor-c",
        "644",
        ROOT,
        "/etc/cron.d/vendor-c:1: an empty element in PATH",
        text="PATH=/usr/bin:/bin:\\n",
    ),
    "path_of_sudo_through_a_person_s_directory": Wrong(
        "mkdir -p /opt/tools; chown plain /opt/tools; "
        "echo 'Defaults secure_path=\"/usr/sbin:/usr/bin:/opt/tools\"' >/etc/sudoers.d/vendor; "
        "chmod 440 /etc/sudoers.d/vendor",
        "rm -r /opt/tools /etc/sudoers.d/vendor",
        ROOT,
        "/etc/sudoers.d/vendor:1: /opt/tools: its owner plain",
    ),
    "sudo_runs_a_person_s_script": Wrong(
        "touch /home/plain/fix; chmod 755 /home/plain/fix; chown plain /home/plain/fix; "
        "echo 'operator ALL=(root) /home/plain/fix' >/etc/sudoers.d/vendor2; "
        "chmod 440 /etc/sudoers.d/vendor2",
        "rm /home/plain/fix /etc/sudoers.d/vendor2",
        ROOT,
        "/etc/sudoers.d/vendor2:1: /home/plain/fix: its owner plain",
    ),
    "unit_starts_a_program_others_may_replace": Wrong(
        "mkdir -p -m 777 /opt/vendor-u/bin; chmod 777 /opt/vendor-u; cp /bin/true /opt/vendor-u/bin/run; "
        "printf '[Service]\\nExecStart=-/opt/vendor-u/bin/run --fast\\n' "
        ">/etc/systemd/system/vendor-u.service",
        "rm -r /opt/vendor-u /etc/systemd/system/vendor-u.service",
        ROOT,
        "/etc/systemd/system/vendor-u.service:2: /opt/vendor-u/bin/run by /opt/vendor-u: everybody",
    ),
    "unit_starts_what_is_not_there_yet": unit(
        "vendor-v",
        "[Service]\\nExecStart=/var/tmp/vendor/run\\n",
        "/etc/systemd/system/vendor-v.service:2: /var/tmp/vendor/run by /var/tmp: everybody",
    ),
    "unit_reads_a_person_s_environment": unit(
        "vendor-w",
        "[Service]\\nEnvironmentFile=-/home/plain/env\\nExecStart=/bin/true\\n",
        "/etc/systemd/system/vendor-w.service:2: /home/plain/env by /home/plain: its owner plain",
    ),
    "unit_of_a_person_has_one_raised_command": unit(
        "vendor-x",
        "[Service]\\nUser=plain\\nExecStartPre=+/home/plain/pre\\nExecStart=/home/plain/app\\n",
        "/etc/systemd/system/vendor-x.service:3: /home/plain/pre by /home/plain: its owner plain",
    ),
    "drop_in_starts_a_person_s_program": made(
        "/etc/systemd/system/ssh.service.d/vendor.conf",
        "644",
        ROOT,
        "/etc/systemd/system/ssh.service.d/vendor.conf:2: /home/plain/hook by /home/plain: its owner plain",
        text="[Service]\\nExecStartPost=-/home/plain/hook\\n",
    ),
    "cron_runs_a_script_that_runs_a_person_s": Wrong(
        "mkdir -p /opt/jobs; printf '#!/bin/sh\\n/home/plain/step\\n' >/opt/jobs/run; "
        "touch /home/plain/step; chmod 755 /opt/jobs/run /home/plain/step; chown plain /home/plain/step; "
        "echo '5 4 * * * root /opt/jobs/run' >/etc/cron.d/vendor-d",
        "rm -r /opt/jobs /home/plain/step /etc/cron.d/vendor-d",
        ROOT,
        "/opt/jobs/run:2: /home/plain/step: its owner plain",
    ),
    "unit_works_in_a_person_s_directory": unit(
        "vendor-y",
        "[Service]\\nWorkingDirectory=/home/plain\\nExecStart=/usr/bin/python3 main.py\\n",
        "/etc/systemd/system/vendor-y.service:2: /home/plain: its owner plain",
    ),
    "unit_has_a_path_of_its_own": unit(
        "vendor-p",
        '[Service]\\nEnvironment="PATH=/home/plain/bin:/usr/bin"\\nExecStart=/bin/true\\n',
        "/etc/systemd/system/vendor-p.service:2: /home/plain/bin by /home/plain: its owner plain",
    ),
    "link_on_root_s_path_leads_to_a_home": Wrong(
        "cp /bin/true /home/plain/tool; ln -s /home/plain/tool /usr/local/bin/vendor-t",
        "rm /home/plain/tool /usr/local/bin/vendor-t",
        ROOT,
        "/usr/local/bin/vendor-t:0: /home/plain/tool by /home/plain: its owner plain",
    ),
    "linker_searches_a_person_s_directory": Wrong(
        "mkdir /opt/vendor-lib; chown plain /opt/vendor-lib; "
        "echo /opt/vendor-lib >/etc/ld.so.conf.d/vendor.conf",
        "rm -r /opt/vendor-lib /etc/ld.so.conf.d/vendor.conf",
        ROOT,
        "/etc/ld.so.conf.d/vendor.conf:1: /opt/vendor-lib: its owner plain",
    ),
    "pam_loads_a_person_s_module": Wrong(
        "mkdir /opt/vendor-pam; touch /opt/vendor-pam/pam_x.so; chown plain /opt/vendor-pam/pam_x.so; "
        "echo 'auth optional /opt/vendor-pam/pam_x.so' >/etc/pam.d/vendor",
        "rm -r /opt/vendor-pam /etc/pam.d/vendor",
        ROOT,
        "/etc/pam.d/vendor:1: /opt/vendor-pam/pam_x.so: its owner plain",
    ),
    "interpreter_is_given_a_person_s_file": Wrong(
        f"{_PERSONS.format('person-i')}; "
        "echo '* * * * * root /bin/sh -e /opt/person-i/x' >/etc/cron.d/person-i",
        "rm -r /opt/person-i /etc/cron.d/person-i",
        ROOT,
        "/etc/cron.d/person-i:1: /opt/person-i/x: its owner plain",
    ),
    "unit_gives_an_interpreter_a_person_s_file": Wrong(
        f"{_PERSONS.format('person-n')}; "
        "printf '[Service]\\nExecStart=/usr/bin/env perl /opt/person-n/x\\n' "
        ">/etc/systemd/system/person-n.service",
        "rm -r /opt/person-n /etc/systemd/system/person-n.service",
        ROOT,
        "/etc/systemd/system/person-n.service:2: /opt/person-n/x: its owner plain",
    ),
    "profile_reads_a_person_s_file": Wrong(
        f"{_PERSONS.format('person-s')}; echo '[ ! -r /opt/person-s/x ] || . /opt/person-s/x' "
        ">/etc/profile.d/person-s.sh",
        "rm -r /opt/person-s /etc/profile.d/person-s.sh",
        ROOT,
        "/etc/profile.d/person-s.sh:1: /opt/person-s/x: its owner plain",
    ),
    "script_names_a_person_s_program_by_a_variable": Wrong(
        f"{_PERSONS.format('person-q')}; chmod 755 /opt/person-q/x; "
        'printf \'#!/bin/sh\\nexport APP="/opt/person-q"\\n"$APP"/x --all\\n\' >/etc/cron.daily/person-q',
        "rm -r /opt/person-q /etc/cron.daily/person-q",
        ROOT,
        "/etc/cron.daily/person-q:3: /opt/person-q/x: its owner plain",
    ),
    "job_starts_something_in_a_person_s_directory": Wrong(
        "mkdir /opt/person-j; chown plain /opt/person-j; "
        "echo '@daily root cd /opt/person-j && ./run' >/etc/cron.d/person-j",
        "rm -r /opt/person-j /etc/cron.d/person-j",
        ROOT,
        "/etc/cron.d/person-j:1: /opt/person-j: its owner plain",
    ),
    "relative_link_leads_to_a_home": Wrong(
        "cp /bin/true /home/plain/tool2; ln -s ../../../home/plain/tool2 /usr/lib/person-l.so",
        "rm /home/plain/tool2 /usr/lib/person-l.so",
        ROOT,
        "/usr/lib/person-l.so:0: /home/plain/tool2 by /home/plain: its owner plain",
    ),
    "boot_lets_everybody_write_a_configuration": made(
        "/etc/tmpfiles.d/person-1.conf",
        "644",
        COMING,
        "/etc/tmpfiles.d/person-1.conf:1: /etc/hosts: everybody",
        text="z /etc/hosts 0666 root root\\n",
    ),
    "boot_makes_a_directory_of_the_system_for_everybody": made(
        "/usr/lib/tmpfiles.d/person-2.conf",
        "644",
        COMING,
        "/usr/lib/tmpfiles.d/person-2.conf:1: /usr/local/vendor: everybody",
        text="d /usr/local/vendor 0777\\n",
    ),
    "boot_gives_a_person_an_access_list": made(
        "/etc/tmpfiles.d/person-3.conf",
        "644",
        COMING,
        "/etc/tmpfiles.d/person-3.conf:1: /etc/host.conf: plain by its access list",
        text="a+ /etc/host.conf - - - - u:plain:rw\\n",
    ),
    "boot_gives_a_person_a_file": made(
        "/etc/tmpfiles.d/person-4.conf",
        "644",
        COMING,
        "/etc/tmpfiles.d/person-4.conf:1: /etc/issue: its owner plain",
        text="z /etc/issue - plain\\n",
    ),
    "next_update_gives_a_person_a_program": Wrong(
        "cp /var/lib/dpkg/statoverride /root/override; "
        "echo 'plain root 755 /usr/bin/grep' >>/var/lib/dpkg/statoverride",
        "mv /root/override /var/lib/dpkg/statoverride",
        COMING,
        "/usr/bin/grep: its owner plain",
    ),
    "d_bus_starts_a_person_s_program": Wrong(
        f"{_PERSONS.format('person-b')}; chmod 755 /opt/person-b/x; "
        "mkdir -p /usr/share/dbus-1/system-services; "
        "printf '[D-BUS Service]\\nName=x.B\\nExec=/opt/person-b/x\\nUser=root\\n' "
        ">/usr/share/dbus-1/system-services/x.B.service",
        "rm -r /opt/person-b /usr/share/dbus-1/system-services/x.B.service",
        ROOT,
        "/usr/share/dbus-1/system-services/x.B.service:3: /opt/person-b/x: its owner plain",
    ),
    "inetd_starts_a_person_s_program": Wrong(
        f"{_PERSONS.format('person-x')}; chmod 755 /opt/person-x/x; mkdir -p /etc/inetd.d; "
        "echo 'x stream tcp nowait root /opt/person-x/x x' >/etc/inetd.d/person-x",
        "rm -r /opt/person-x /etc/inetd.d",
        ROOT,
        "/etc/inetd.d/person-x:1: /opt/person-x/x: its owner plain",
    ),
    "memory_is_mounted_over_a_directory_of_the_system": Wrong(
        "mount -t tmpfs -o mode=755 vendor /usr/local/games",
        "umount /usr/local/games",
        NOW,
        "/usr/local/games: tmpfs",
    ),
    "directory_is_bound_over_one_of_the_system": Wrong(
        "mkdir /var/lib/vendor-sbin; mount --bind /var/lib/vendor-sbin /usr/local/sbin",
        "umount /usr/local/sbin; rmdir /var/lib/vendor-sbin",
        NOW,
        "/usr/local/sbin: overlay",
    ),
    "fstab_mounts_memory_over_the_system": Wrong(
        "cp /etc/fstab /root/fstab; echo 'tmpfs /usr/local/lib tmpfs mode=777 0 0' >>/etc/fstab",
        "cp /root/fstab /etc/fstab",
        BOOT,
        "tmpfs on /usr/local/lib (tmpfs)",
    ),
}
