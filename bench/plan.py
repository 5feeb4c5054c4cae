"""What a sweep over shapes and codecs has to measure, given the rows that are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from .corpus import CorpusShape
from .peers.contract import Peer, RatePoint, Unavailable
from .rows import FAILED, OK, SKIPPED, Key, Row
from .worker import Group, reason

# Codecs that fit something for every rate point take about so many times longer than those that decimate and quantize.
# Only the order of the work depends on it.
_SLOWNESS = {"sdfz": 30, "vdmc": 10, "expert": 3, "sdf-grid": 3}

Progress = Callable[[str, int, int], None]


@dataclass
class Plan:
    """The work of a sweep.

    Attributes
    ----------
    groups : list of Group
        To be measured, those that take long first: no core is idle at the end.
    skipped : list of Row
        Codecs that cannot run here and shapes that cannot be read, with the reason.
    outdated : set of Key
        Rows of another file or another version of the codec, which go: points of two versions make no curve.
    n_known : int
        Points that are measured already.
    """

    groups: list[Group] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    outdated: set[Key] = field(default_factory=set)
    n_known: int = 0

    @property
    def n_points(self) -> int:
        """Rate points to be measured."""
        return sum(len(group.points) for group in self.groups)


def plan_sweep(
    shapes: Sequence[CorpusShape],
    peers: Sequence[Peer],
    known: Iterable[Row],
    *,
    quick: bool = False,
    again: bool = False,
    machine: str = "",
    progress: Progress | None = None,
) -> Plan:
    """Plan the rate points of peers on shapes, without those that are known.

    Parameters
    ----------
    shapes : sequence of CorpusShape
    peers : sequence of Peer
    known : iterable of Row
        What has been measured before.
    quick : bool
        Few rate points of each peer.
    again : bool
        Those that are known, too.
    machine : str
        For rows of what cannot be measured.
    progress : callable, optional
        Called with a stage, the shapes planned and all shapes.
    """
    versions = [_version(peer) for peer in peers]
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in known:
        rows[row.shape, row.codec].append(row)
    plan = Plan()
    for index, shape in enumerate(shapes):
        if progress:
            progress("plan", index, len(shapes))
        try:
            mesh = shape.load()
        except Exception as error:  # the other shapes are still to be measured
            plan.skipped += [_without(Group(shape, 0, 0, peer, ""), error, machine) for peer in peers]
            continue
        for peer, version in zip(peers, versions, strict=True):
            blank = Group(shape, len(mesh.faces), len(mesh.vertices), peer, "")
            before = rows[shape.name, peer.name]
            try:
                if isinstance(version, Exception):
                    raise version
                points = peer.points(mesh, quick)
            except Exception as error:
                # What was measured where the codec could run stays.
                if not any(row.status == OK and row.sha256 == shape.sha256 for row in before):
                    plan.skipped.append(_without(blank, error, machine))
            else:
                _add(plan, replace(blank, version=version), points, before, again)
    plan.groups.sort(key=_cost, reverse=True)
    return plan


def _add(plan: Plan, blank: Group, points: Sequence[RatePoint], before: Sequence[Row], again: bool) -> None:
    """Add what is left to be measured of a codec on a shape."""
    same = [row for row in before if (row.sha256, row.version) == (blank.shape.sha256, blank.version) and row.point]
    plan.outdated |= {row.key for row in before} - {row.key for row in same}
    current = {row.point for row in same if row.status == OK}
    left = defaultdict(list)
    for point in points:
        if again or point.name not in current:
            left[point.group].append(point)
        else:
            plan.n_known += 1
    plan.groups += [replace(blank, name=name, points=tuple(group)) for name, group in left.items()]


def _without(group: Group, error: Exception, machine: str) -> Row:
    """The one row of a codec on a shape where nothing can be measured."""
    status = SKIPPED if isinstance(error, Unavailable) else FAILED
    return replace(group.row(None, machine), status=status, reason=reason(error))


def _version(peer: Peer) -> str | Exception:
    try:
        return peer.version()
    except Exception as error:
        return error


def _cost(group: Group) -> float:
    name = "sdfz" if group.peer.name.startswith("sdfz-") else group.peer.name
    return _SLOWNESS.get(name, 1) * len(group.points) * group.faces
