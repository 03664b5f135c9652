"""What is refused in protocols.yml, with file and line."""

from __future__ import annotations

import pytest
from small_standard import SmallStandard

from plumbline.findings import FindingsError
from plumbline.policy.protocols import load_protocols

WHOLE = """\
protocols:
  http:
    title: {en: HTTP, sk: HTTP}
    use: forbidden
    transport: tcp
    ports: [80]
    replacement: https
    requirements: [server.named-time]
  https:
    title: {en: HTTPS, sk: HTTPS}
    use: allowed
    transport: tcp
    ports: [443]
    requirements: [server.named-time]
"""


def test_whole_file_is_read(small: SmallStandard) -> None:
    small.write("protocols.yml", WHOLE)
    protocols = load_protocols(small.load(), small.folder.parent)
    assert protocols["http"].replacement == "https"


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("replacement: https", "replacement: htps",
         "7: http: there is no protocol htps here (did you mean https?)"),
        ("    ports: [80]\n    replacement: https\n    requirements: [server.named-time]",
         "    ports: [80]\n    requirements: [server.time]",
         "7: http: server.time is no requirement of the standard (did you mean server.named-time?)"),
        ("[443]", "[443, 80]", "13: https: tcp port 80 is already that of http"),
        ("[443]", "[0]", "13: protocols.https.ports[0]: input should be greater than or equal to 1,"
         " found the number 0"),
        ("use: allowed", "use: conditional",
         "9: protocols.https: a conditional protocol has a condition, and no other has one"),
        ("use: forbidden", "use: allowed", "2: protocols.http: only a forbidden protocol has a replacement"),
    ],
)  # fmt: skip
def test_refused_with_its_line(small: SmallStandard, old: str, new: str, finding: str) -> None:
    small.write("protocols.yml", WHOLE)
    small.change("protocols.yml", old, new)
    with pytest.raises(FindingsError) as raised:
        load_protocols(small.load(), small.folder.parent)
    assert [str(one) for one in raised.value.findings] == [f"{small.folder}/protocols.yml:{finding}"]
