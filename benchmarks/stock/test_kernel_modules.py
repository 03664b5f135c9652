"""Kernel modules, with stock testinfra."""
# mypy: allow-untyped-defs, allow-untyped-calls

import pytest


@pytest.fixture(scope="module")
def present(host):
    """The modules that are loaded or built in, as the kernel writes them."""
    loaded = host.file("/proc/modules")
    names = [line.split()[0] for line in loaded.content_string.splitlines()] if loaded.exists else []
    builtin = host.file(f"/lib/modules/{host.check_output('uname -r')}/modules.builtin")
    paths = builtin.content_string.splitlines() if builtin.exists else []
    return names + [path.rpartition("/")[2].removesuffix(".ko") for path in paths]


@pytest.fixture(scope="module")
def installs(host):
    """What is run instead of loading a module, by module: modprobe takes the first such line."""
    found: dict[str, str] = {}
    for line in host.check_output("modprobe --showconfig").splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] == "install":
            found.setdefault(words[1], words[2])
    return found


def test_module_is_not_in_the_kernel_now(present, kernel_module):
    assert kernel_module not in present


def test_module_cannot_be_loaded(installs, kernel_module):
    assert installs[kernel_module] == "/bin/false"
