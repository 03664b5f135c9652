"""Who may write to a file is read from owner, mode, groups and access lists; capabilities from bytes."""

from __future__ import annotations

import pytest

from plumbline.probes.filesystem.writers import Accounts, access_list, capabilities, entry

USERS = [
    ("root", "0", "0", "/root"),
    ("postgres", "107", "115", "/var/lib/postgresql"),
    ("anna", "1000", "1000", "/home/anna"),
    ("boris", "1001", "100", "/home/boris"),
    ("nobody", "65534", "65534", "/nonexistent"),
]
GROUPS = [
    ("root", "0", ""),
    ("sudo", "27", "anna"),
    ("staff", "50", ""),
    ("users", "100", ""),
    ("postgres", "115", ""),
    ("anna", "1000", ""),
    ("plant", "1500", "postgres, boris"),
    ("far-local", "1600", "somebody-of-the-directory"),
]
ACCOUNTS = Accounts.read(list(USERS), list(GROUPS))


def writers(mode: str, uid: int, gid: int, acl: str = "") -> list[str]:
    return ACCOUNTS.writers(entry("f", mode, str(uid), str(gid), "/etc/x"), access_list(acl))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "who"),
    [
        ("644", 0, 0, []),
        ("664", 0, 0, []),
        ("664", 0, 50, []),
        ("664", 0, 115, []),
        ("644", 107, 115, []),
        ("644", 1000, 1000, []),
        ("664", 0, 1000, []),
        ("444", 1001, 0, ["its owner boris"]),
        ("644", 65534, 65534, ["its owner nobody"]),
        ("644", 5000, 0, ["its owner 5000"]),
        ("644", 61200, 61200, []),
        ("666", 0, 0, ["everybody"]),
        ("646", 0, 0, ["everybody"]),
        ("664", 0, 100, ["boris of the group users"]),
        ("660", 0, 1500, ["boris of the group plant"]),
        ("660", 0, 1600, ["somebody-of-the-directory of the group far-local"]),
        ("660", 0, 9999, ["the group 9999"]),
        ("640", 0, 1500, []),
    ],
)
def test_writers_by_mode(mode: str, uid: int, gid: int, who: list[str]) -> None:
    assert writers(mode, uid, gid) == who


@pytest.mark.parametrize(
    ("acl", "who"),
    [
        ("user::rw-\nuser:boris:rw-\ngroup::r--\nmask::rw-\nother::r--\n", ["boris by its access list"]),
        ("user::rw-\nuser:boris:rw-\ngroup::r--\nmask::r--\nother::r--\n", []),
        ("user::rw-\nuser:anna:rw-\ngroup::r--\nmask::rw-\nother::r--\n", []),
        ("user::rw-\nuser:postgres:rw-\ngroup::r--\nmask::rw-\nother::r--\n", []),
        ("user::rw-\nuser:7777:rw-\ngroup::r--\nmask::rw-\nother::r--\n", ["7777 by its access list"]),
        (
            "user::rw-\nuser:stranger:rw-\ngroup::r--\nmask::rw-\nother::r--\n",
            ["stranger by its access list"],
        ),
        ("group::rw-\nmask::rw-\n", ["boris of the group users by its access list"]),
        ("group:plant:-w-\nmask::rwx\n", ["boris of the group plant by its access list"]),
        ("group:AD\\engineers:rw-\nmask::rwx\n", ["the group AD\\engineers by its access list"]),
        ("user:boris:rwx\t#effective:r--\nmask::r-x\n", []),
    ],
)
def test_writers_by_access_list(acl: str, who: list[str]) -> None:
    assert writers("664", 0, 100, acl) == who


@pytest.mark.parametrize("text", ["user:boris", "bogus::rw-", "user:boris:yes", "mask::rw"])
def test_what_is_no_access_list_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"entry|unpack"):
        access_list(text)


def test_administrators_of_the_directory_may_write_by_their_group_whatever_its_domain() -> None:
    for name in ("OT-Admins", "ot-admins@ad.plant.test", "AD\\OT-Admins"):
        far = ACCOUNTS.with_directory({}, {700000: name})
        shared = entry("f", "664", "0", "700000", "/etc/x")
        assert far.writers(shared) == [f"the group {name}"]
        assert far.administered_by(["OT-Admins"]).writers(shared) == []


def test_first_line_of_a_number_counts() -> None:
    twice = Accounts.read([*USERS, ("toor", "0", "0", "/root")], [*GROUPS, ("wheel2", "27", "boris")])
    assert twice.user(0) == "root"
    assert twice.group(27) == "sudo"


@pytest.mark.parametrize(
    ("raw", "given"),
    [
        ("0100000200100000000000000000000000000000", {"net_admin"}),
        ("0000000280000000000000000000000000000000", {"setuid"}),
        ("000000020000000000200000000000000000000000"[:40], {"net_raw"}),
        ("0100000300100000000000000000000000000000e8030000", {"net_admin"}),
        ("01000002000000000000000000010000" + "00000000", {"checkpoint_restore"}),
        ("010000020000000000000000" + "00000080" + "00000000", {"63"}),
    ],
)
def test_capabilities_are_read_from_their_bytes(raw: str, given: set[str]) -> None:
    assert capabilities(bytes.fromhex(raw)) == given


@pytest.mark.parametrize("raw", ["", "01", "01000002", "ff" * 20, "01000002" * 4])
def test_other_bytes_are_no_capabilities(raw: str) -> None:
    with pytest.raises(ValueError, match="capabilities"):
        capabilities(bytes.fromhex(raw))
