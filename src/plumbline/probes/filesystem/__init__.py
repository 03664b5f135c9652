"""Who may write where, what is packaged and unchanged, what lies on which partition."""

from plumbline.probes.filesystem.attributes import ATTRIBUTES
from plumbline.probes.filesystem.given import GIVEN
from plumbline.probes.filesystem.mounts import MOUNTS
from plumbline.probes.filesystem.observed import Filesystem
from plumbline.probes.filesystem.packages import PACKAGES
from plumbline.probes.filesystem.private import PRIVATE
from plumbline.probes.filesystem.reach import REACH
from plumbline.probes.filesystem.walk import WALK
from plumbline.probes.system import SYSTEM

__all__ = ["ATTRIBUTES", "GIVEN", "MOUNTS", "PACKAGES", "PRIVATE", "REACH", "SYSTEM", "WALK", "Filesystem"]
