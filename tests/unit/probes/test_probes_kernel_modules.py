"""Kernel modules: what is in the kernel, and what asking for one would do (tried with kmod 30 and 34.2)."""

from __future__ import annotations

import pytest
from recorded_host import host_printing, printed

from plumbline.probes.host import DeliveredHost
from plumbline.probes.kernel_modules import KERNEL_MODULES
from plumbline.verify.unknown import Unknown


def host(files: dict[str, str], before: str = "") -> DeliveredHost:
    return host_printing({KERNEL_MODULES: printed(files, before)})


def ways(files: dict[str, str], name: str = "dccp") -> list[str]:
    return [str(way) for way in host(files).kernel_modules.ways_in(name)]


@pytest.mark.parametrize(
    "line",
    [
        "install dccp /bin/false",
        "install dccp /bin/true",
        "install dccp /usr/bin/false",
        " install\tdccp  /bin/false ",
        "install dccp /bin/false # not needed",
        "install dc* /bin/false",
        "install dccp :",
        "install dccp \\\n /bin/false",
    ],
)
def test_line_that_loads_nothing_refuses(line: str) -> None:
    assert ways({"/etc/modprobe.d/a.conf": f"{line}\n"}) == []


@pytest.mark.parametrize(
    "line",
    [
        "",
        "blacklist dccp",
        "# install dccp /bin/false",
        "# why \\\ninstall dccp /bin/false",
        "INSTALL dccp /bin/false",
        "install DCCP /bin/false",
        "install dccp",
        "install sctp /bin/false",
        "install dccp /bin/false || /sbin/modprobe -i dccp",
        "install dccp /bin/true; /sbin/modprobe --ignore-install dccp",
        "install dccp /sbin/modprobe --ignore-install dccp",
        "install dccp /opt/bin/false",
        "options dccp a=/bin/false",
    ],
)
def test_anything_else_lets_it_in(line: str) -> None:
    assert len(ways({"/etc/modprobe.d/a.conf": f"{line}\n"})) == 1


def test_first_line_wins() -> None:
    off, on = "install dccp /bin/false\n", "install dccp /sbin/modprobe -i dccp\n"
    assert ways({"/etc/modprobe.d/a.conf": off, "/etc/modprobe.d/b.conf": on}) == []
    assert ways({"/etc/modprobe.d/b.conf": off, "/usr/lib/modprobe.d/a.conf": on}) == [
        "install dccp /sbin/modprobe -i dccp (/usr/lib/modprobe.d/a.conf:1)"
    ]


def test_masked_and_hidden_files_do_not_refuse() -> None:
    packaged = {"/usr/lib/modprobe.d/a.conf": "install dccp /bin/false\n"}
    assert ways(packaged) == []
    assert ways({**packaged, "/etc/modprobe.d/a.conf": "/dev/null"}) != []
    assert ways({**packaged, "/etc/modprobe.d/a.conf": ""}) != []


def test_file_in_run_or_without_its_suffix_does_not_refuse() -> None:
    assert ways({"/run/modprobe.d/a.conf": "install dccp /bin/false\n"}) != []
    assert ways({"/etc/modprobe.d/a": "install dccp /bin/false\n"}) != []


def test_dashes_and_underscores_are_the_same() -> None:
    files = {"/etc/modprobe.d/a.conf": "install usb-storage /bin/false\n"}
    assert ways(files, "usb_storage") == []
    assert ways(files, "usb-storage") == []


def test_loaded_module_is_present() -> None:
    modules = host({}, "loaded\tdccp\t2\tdccp_ipv4,dccp_ipv6,\nloaded\tip_tables\t0\t-\n").kernel_modules
    assert [str(seen) for seen in modules.present("dccp")] == ["dccp (loaded, 2 uses: dccp_ipv4,dccp_ipv6)"]
    assert modules.present("ip-tables") != []
    assert modules.present("sctp") == []


def test_built_in_module_cannot_be_kept_out() -> None:
    modules = host({"/etc/modprobe.d/a.conf": "install sctp /bin/false\n"}, "builtin\tsctp\n").kernel_modules
    assert [str(seen) for seen in modules.present("sctp")] == ["sctp (built into the kernel)"]
    assert modules.ways_in("sctp") != []


@pytest.mark.parametrize(
    "text", ["", "loaded\tdccp\nend\n", "text\t/a\t1\tinstall dccp /bin/false\nend\n", "end"]
)
def test_damaged_output_is_unknown(text: str) -> None:
    with pytest.raises(Unknown):
        host_printing({KERNEL_MODULES: text}).kernel_modules.ways_in("dccp")
