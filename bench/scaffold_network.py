"""Train the network that tells the control mesh coder what to expect of a residual, part of the `scaffold` format.

    python -m sdfz.bench.scaffold_network MESHES -o codec/scaffold/network.npz

MESHES as for bench/scaffold_priors.py. The coder itself says what its networks would see at each gate; they learn, in
floating point, the odds of the operations and the distribution of each part of a residual given that and the parts
before it, by the bits these would take; then their weights are rounded. After that the priors must be trained again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import torch
from numpy.typing import NDArray

from ..codec import mixing
from ..codec.scaffold.border import NEW, NEXT, PREVIOUS, empty_border
from ..codec.scaffold.choice import aim_at
from ..codec.scaffold.expectation import (
    KEPT,
    N_FIRST,
    N_GATE_FIRST,
    N_GATE_SECOND,
    N_OUTPUTS,
    N_SECOND,
    PLACES,
    TAKEN,
    WEIGHT_BITS,
    WIDTHS,
    Network,
    no_network,
)
from ..codec.scaffold.priors import pack_network
from ..codec.scaffold.sight import N_FEATURES, N_GATE_FEATURES, ONE
from ..codec.scaffold.symbols import ACROSS, ALONG, N_KINDS, N_MIXED, N_QUESTIONS, UP, blank
from ..codec.scaffold.walk import NORMAL_STEP, walk
from ..formats.files import write_atomic
from .scaffold_priors import TrainingMesh, read_meshes

logger = logging.getLogger(__name__)

BATCH = 2048
BEFORE_IS_CLOSED = 23  # the feature; the next one is of the gate after
MOST_WEIGHT = 7.9  # 16 bits hold 8 in 2^-12
FITTED_WEIGHT = 3.0  # of vertices of fitted meshes, told by their coarser tangential steps: what the codec is for


class Observed(NamedTuple):
    """What the networks see of meshes.

    Attributes
    ----------
    vertices : (N, N_FEATURES + 6) float32
        Of each vertex that is new: features, residual, length of the gate in steps of each part.
    gates : (G, N_GATE_FEATURES + 1) float32
        Of each gate that is processed: features, operation.
    """

    vertices: NDArray[np.float32]
    gates: NDArray[np.float32]


def observed(mesh: TrainingMesh) -> Observed:
    """What the networks see of a mesh."""
    walked, n, n_faces = mesh.traversal, len(mesh.targets), len(mesh.traversal.faces)
    steps = np.array([mesh.tangential_step, mesh.tangential_step, NORMAL_STEP], np.int64)
    residuals, seen = np.zeros((n, 3), np.int64), np.zeros((len(walked.operations), N_GATE_FEATURES + 2), np.int64)
    walk(
        mixing.coder(blank(), mixing.COUNT, n_kinds=N_KINDS),
        False,
        walked.operations,
        walked.places,
        aim_at(mesh.targets[walked.order]),
        no_network(),
        empty_border(n_faces),
        steps,
        np.zeros((n, 3), np.int64),
        residuals,
        np.zeros((n_faces, 3), np.int64),
        seen,
    )
    features, length, operation = seen[:, :-2] / ONE, seen[:, -2:-1], seen[:, -1:]
    grows, is_new = operation[:, 0] == NEW, walked.parents[:, 0] >= 0
    vertices = np.concatenate([features[grows, :N_FEATURES], residuals[is_new], length[grows] / steps], axis=1)
    return Observed(vertices.astype(np.float32), np.concatenate([features, operation], axis=1).astype(np.float32))


def inputs(data: torch.Tensor, part: int) -> torch.Tensor:
    """(N, I) what the network of a part sees, of rows of `observed`: the features, and the known parts in two ways."""
    columns = [data[:, :N_FEATURES]]
    for known in range(UP, part, -1):
        number, length = data[:, N_FEATURES + known], data[:, N_FEATURES + 3 + known]
        columns.append((torch.sign(number) * torch.log2(1 + number.abs()) / 4)[:, None])
        columns.append((number / length).clamp(-2, 2)[:, None])
    return torch.cat(columns, dim=1)


def bits(output: torch.Tensor, number: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """(N,) what a number costs under the distribution that a network's output (N, N_OUTPUTS) stands for."""
    number, row = number[:, None], number
    place = output[:, PLACES : PLACES + N_MIXED] * length[:, None] / 4
    width = torch.exp2((4 * output[:, WIDTHS : WIDTHS + N_MIXED]).clamp(-3, 12))
    # On the side of the smaller tail, where the difference is exact.
    side = torch.where(number > place, -1.0, 1.0)
    ends = torch.stack([number + 0.5, number - 0.5])
    tails = torch.sigmoid((ends - place) / width * side)
    taken = torch.nn.functional.pad(torch.sigmoid(2 * output[:, TAKEN : TAKEN + N_MIXED - 1]), (0, 1), value=1.0)
    left = torch.nn.functional.pad(torch.cumprod(1 - taken[:, :-1], dim=1), (1, 0), value=1.0)
    kept = torch.sigmoid(2 * output[:, KEPT])
    share = kept * (taken * left * (tails[0] - tails[1]).abs().clamp_min(1e-7)).sum(dim=1)
    return -torch.log2(torch.where(row == 0, share + 1 - kept, share))


def gate_bits(output: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """(G,) what operations cost under the odds of a network's output (G, N_QUESTIONS), of rows of `Observed.gates`."""
    operation, number = rows[:, -1:], torch.arange(N_QUESTIONS)
    costs = torch.nn.functional.binary_cross_entropy_with_logits(
        output, (operation == number).float(), reduction="none"
    )
    # Not asked is what comes after the answer, and what a closed gate at either side leaves out.
    is_asked = operation >= number
    is_asked[:, PREVIOUS] &= rows[:, BEFORE_IS_CLOSED] == 0
    is_asked[:, NEXT] &= rows[:, BEFORE_IS_CLOSED + 1] == 0
    return (costs * is_asked).sum(dim=1) / np.log(2)


def trained(
    seen: torch.Tensor,
    cost: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    units: tuple[int, int],
    start: torch.Tensor,
    n_steps: int,
) -> list[NDArray[np.float32]]:
    """Weights and biases of the layers of the network that makes `cost` of its output and of row numbers least.

    Its hidden layers have these `units`, and it says about `start` at first.
    """
    last = torch.nn.Linear(units[1], len(start))
    last.bias.data += start
    network = torch.nn.Sequential(
        torch.nn.Linear(seen.shape[1], units[0]),
        torch.nn.ReLU(),
        torch.nn.Linear(*units),
        torch.nn.ReLU(),
        last,
    )
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=n_steps + 1)
    total = 0.0
    for step in range(n_steps):
        rows = torch.randint(len(seen), (BATCH,))
        loss = cost(network(seen[rows]), rows)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.clamp_(-MOST_WEIGHT, MOST_WEIGHT)
        total = 0.99 * total + 0.01 * loss.item() if step else loss.item()
    logger.info("%d rows: %.3f weighted bits", len(seen), total)
    return [parameter.detach().numpy() for parameter in network.parameters()]


def trained_part(data: torch.Tensor, part: int, n_epochs: float) -> list[NDArray[np.float32]]:
    """The network of a part of the residual, from rows of `Observed.vertices`."""
    number, length = data[:, N_FEATURES + part], data[:, N_FEATURES + 3 + part]
    is_fitted = data[:, N_FEATURES + 3 + UP] > 1.5 * data[:, N_FEATURES + 3 + ALONG]
    weight = torch.where(is_fitted, FITTED_WEIGHT, 1.0)

    def cost(output: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return (bits(output, number[rows], length[rows]) * weight[rows]).mean()

    start = torch.zeros(N_OUTPUTS)
    # Distributions that are alike would stay so.
    start[WIDTHS : WIDTHS + N_MIXED] = torch.linspace(0, 0.5, N_MIXED)
    return trained(inputs(data, part), cost, (N_FIRST, N_SECOND), start, int(n_epochs * len(data) / BATCH) + 1)


def trained_gates(data: torch.Tensor, n_epochs: float) -> list[NDArray[np.float32]]:
    """The network of operations, from rows of `Observed.gates`."""
    n_steps = int(n_epochs * len(data) / BATCH) + 1
    return trained(
        data[:, :-1],
        lambda output, rows: gate_bits(output, data[rows]).mean(),
        (N_GATE_FIRST, N_GATE_SECOND),
        torch.zeros(N_QUESTIONS),
        n_steps,
    )


def rounded(parts: dict[int, list[NDArray[np.float32]]], gates: list[NDArray[np.float32]]) -> Network:
    """All networks in fixed point; biases are the last inputs."""
    network = no_network()
    for part, layers in parts.items():
        _round((network.first[part], network.second[part], network.last[part]), layers)
    _round((network.gate_first, network.gate_second, network.gate_last), gates)
    return network


def _round(targets: Sequence[NDArray[np.int32]], layers: list[NDArray[np.float32]]) -> None:
    for target, weights, bias in zip(targets, layers[::2], layers[1::2], strict=True):
        target[: weights.shape[1]] = np.round(weights.T * (1 << WEIGHT_BITS))
        target[-1] = np.round(bias * (1 << WEIGHT_BITS))


@click.command()
@click.argument("meshes", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--hold-out", default=0, help="Leave out one of so many parts.")
@click.option("--epochs", "n_epochs", default=35.0, show_default=True)
def main(meshes: Path, out: Path, hold_out: int, n_epochs: float) -> None:
    """Learn from the meshes of a folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    found = [observed(mesh) for mesh in read_meshes(meshes, hold_out, held_out=False)]
    vertices = torch.from_numpy(np.concatenate([mesh.vertices for mesh in found]))
    gates = torch.from_numpy(np.concatenate([mesh.gates for mesh in found]))
    parts = {part: trained_part(vertices, part, n_epochs) for part in (UP, ACROSS, ALONG)}
    data_bytes = pack_network(rounded(parts, trained_gates(gates, n_epochs)))
    write_atomic(out, data_bytes)
    click.echo(f"{out}: {len(data_bytes)} bytes")


if __name__ == "__main__":
    main()
