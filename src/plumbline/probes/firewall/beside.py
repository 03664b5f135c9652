"""What stands beside the rules: files that a boot fills anew, mounts over them, and traffic control."""

from __future__ import annotations

from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import Line
from plumbline.probes.tagged import PRINT_END, Rows

_REWRITING = "pedit|mirred|nat|bpf|skbmod|tunnel_key|xt|ipt"
"""Actions of tc-actions(8) that change packets or send them elsewhere; programs of bpf may do anything."""

VOLATILE = ("/run/", "/tmp/", "/dev/", "/proc/", "/sys/", "/home/", "/root/")  # noqa: S108  (nothing is written)
"""Where a boot finds something else than what is there now, or the unit finds nothing (ProtectHome)."""

_COMMAND = rf"""
todo=/etc/nftables.conf
for level in 1 2 3 4; do
    next=
    for f in $todo; do
        [ -f "$f" ] || continue
        set -f
        for i in $(grep -nE '^[^#]*include[[:space:]]+"' "$f" |
            sed -E 's/^([0-9]+):[^"]*"([^"]*)".*/\1:\2/' | tr ' \t' '??'); do
            path=${{i#*:}}
            case $path in /*) ;; *) path=/etc/$path ;; esac
            real=$(readlink -f "${{path%/*}}") || real=${{path%/*}}
            printf 'include\t%s\t%s\t%s\n' "$f" "${{i%%:*}}" "$real/${{path##*/}}"
            next="$next $path"
        done
        set +f
        real=$(readlink -f "$f")
        [ "$real" = "$f" ] || printf 'include\t%s\t0\t%s\n' "$f" "$real"
    done
    todo=$next
done
awk '$5 ~ "^/(etc/nftables.*|usr/s?bin/nft|(etc|usr/lib)/systemd(/.*)?)$" {{
    print "mount\t" $5 }}' /proc/self/mountinfo
if command -v tc >/dev/null; then
    for d in /sys/class/net/*; do
        d=${{d##*/}}
        for way in ingress egress root; do
            tc filter show dev "$d" $way 2>/dev/null | grep -oE \
                "action order [0-9]+: +({_REWRITING}) .*|^filter .* bpf .*direct-action.*" |
                sed "s/^/traffic\t$d\t$way\t/"
        done
    done
fi
ip -o link show | awk '$0 ~ /prog\/xdp/ {{ sub(/:$/, "", $2); print "traffic\t" $2 "\tingress\txdp" }}'
{PRINT_END}
"""


@dataclass(frozen=True)
class Beside:
    """`volatile`: lines that include what another boot brings; `mounted`: what something is mounted over.

    `traffic`: what changes or redirects packets outside the packet filter, before it or after it.
    """

    volatile: tuple[Line, ...]
    mounted: tuple[str, ...]
    traffic: tuple[str, ...]


def _parse(output: Output) -> Beside:
    rows = Rows(output, {"include": 3, "mount": 1, "traffic": 3})
    volatile = []
    for file, number, path in rows["include"]:
        if not number.isdigit():
            raise ParseError(f"an include stands at line {number[:80]!r}")
        if path.startswith(VOLATILE):
            volatile.append(Line(file, int(number), f'include "{path}"'))
    traffic = [f"tc {device} {way}: {' '.join(told.split())}" for device, way, told in rows["traffic"]]
    return Beside(tuple(volatile), tuple(path for (path,) in rows["mount"]), tuple(traffic))


BESIDE: Probe[Beside] = Probe("firewall.beside", _COMMAND, _parse)
