"""Train the network that tells the control mesh coder what to expect of a residual, part of the `scaffold` format.

    python -m sdfz.bench.scaffold_network MESHES -o codec/scaffold/network.npz

MESHES as for bench/scaffold_priors.py. The coder itself says what its network would see at each vertex; three small
networks learn, in floating point, the logistic distribution of each part of the residual given that and the parts
before it, by the bits it would take; then their weights are rounded. After that the priors must be trained again.
"""

from __future__ import annotations

import logging
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from ..codec import mixing
from ..codec.scaffold.border import empty_border
from ..codec.scaffold.choice import aim_at
from ..codec.scaffold.expectation import (
    N_FEATURES,
    N_FIRST,
    N_SECOND,
    ONE,
    WEIGHT_BITS,
    Network,
    no_network,
)
from ..codec.scaffold.priors import pack_network
from ..codec.scaffold.symbols import ACROSS, ALONG, N_KINDS, UP, blank
from ..codec.scaffold.walk import NORMAL_STEP, walk
from ..formats.files import write_atomic
from .scaffold_priors import TrainingMesh, read_meshes

logger = logging.getLogger(__name__)

BATCH = 2048
MOST_WEIGHT = 7.9  # 16 bits hold 8 in 2^-12
FITTED_WEIGHT = 3.0  # of vertices of fitted meshes, told by their coarser tangential steps: what the codec is for


def observed(mesh: TrainingMesh) -> NDArray[np.float32]:
    """(N, N_FEATURES + 6) of each vertex that is new: features, residual, length of the gate in steps of each part."""
    walked, n, n_faces = mesh.traversal, len(mesh.targets), len(mesh.traversal.faces)
    steps = np.array([mesh.tangential_step, mesh.tangential_step, NORMAL_STEP], np.int64)
    residuals, seen = np.zeros((n, 3), np.int64), np.zeros((n, N_FEATURES + 1), np.int64)
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
    is_new = walked.parents[:, 0] >= 0
    lengths = seen[is_new, -1:] / steps
    return np.concatenate([seen[is_new, :-1] / ONE, residuals[is_new], lengths], axis=1).astype(np.float32)


def inputs(data: torch.Tensor, part: int) -> torch.Tensor:
    """(N, I) what the network of a part sees, of rows of `observed`: the features, and the known parts in two ways."""
    columns = [data[:, :N_FEATURES]]
    for known in range(UP, part, -1):
        number, length = data[:, N_FEATURES + known], data[:, N_FEATURES + 3 + known]
        columns.append((torch.sign(number) * torch.log2(1 + number.abs()) / 4)[:, None])
        columns.append((number / length).clamp(-2, 2)[:, None])
    return torch.cat(columns, dim=1)


def bits(output: torch.Tensor, number: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """(N,) what a number costs under the logistic distribution that a network's output (N, 2) stands for."""
    place = output[:, 0] * length / 4
    width = torch.exp2((4 * output[:, 1]).clamp(-3, 12))
    # On the side of the smaller tail, where the difference is exact.
    side = torch.where(number > place, -1.0, 1.0)
    ends = torch.stack([number + 0.5, number - 0.5])
    tails = torch.sigmoid((ends - place) / width * side)
    return -torch.log2((tails[0] - tails[1]).abs().clamp_min(1e-7))


def trained(data: torch.Tensor, part: int, n_epochs: int) -> list[NDArray[np.float32]]:
    """Weights and biases of the three layers of a part's network."""
    seen, number, length = inputs(data, part), data[:, N_FEATURES + part], data[:, N_FEATURES + 3 + part]
    is_fitted = data[:, N_FEATURES + 3 + UP] > 1.5 * data[:, N_FEATURES + 3 + ALONG]
    weight = torch.where(is_fitted, FITTED_WEIGHT, 1.0)
    network = torch.nn.Sequential(
        torch.nn.Linear(seen.shape[1], N_FIRST),
        torch.nn.ReLU(),
        torch.nn.Linear(N_FIRST, N_SECOND),
        torch.nn.ReLU(),
        torch.nn.Linear(N_SECOND, 2),
    )
    n_steps = max(n_epochs * len(data) // BATCH, 1)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=n_steps + 1)
    total = 0.0
    for step in range(n_steps):
        rows = torch.randint(len(data), (BATCH,))
        loss = (bits(network(seen[rows]), number[rows], length[rows]) * weight[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.clamp_(-MOST_WEIGHT, MOST_WEIGHT)
        total = 0.99 * total + 0.01 * loss.item() if step else loss.item()
    logger.info("part %d: %.3f weighted bits", part, total)
    return [parameter.detach().numpy() for parameter in network.parameters()]


def rounded(layers: dict[int, list[NDArray[np.float32]]]) -> Network:
    """The networks of all parts in fixed point; biases are the last inputs."""
    network = no_network()
    for part, (first, first_bias, second, second_bias, last, last_bias) in layers.items():
        for target, weights, bias in (
            (network.first, first, first_bias),
            (network.second, second, second_bias),
            (network.last, last, last_bias),
        ):
            target[part, : weights.shape[1]] = np.round(weights.T * (1 << WEIGHT_BITS))
            target[part, -1] = np.round(bias * (1 << WEIGHT_BITS))
    return network


@click.command()
@click.argument("meshes", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--hold-out", default=0, help="Leave out one of so many parts.")
@click.option("--epochs", "n_epochs", default=8, show_default=True)
def main(meshes: Path, out: Path, hold_out: int, n_epochs: int) -> None:
    """Learn from the meshes of a folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    rows = [observed(mesh) for mesh in read_meshes(meshes, hold_out, held_out=False)]
    data = torch.from_numpy(np.concatenate(rows))
    data_bytes = pack_network(rounded({part: trained(data, part, n_epochs) for part in (UP, ACROSS, ALONG)}))
    write_atomic(out, data_bytes)
    click.echo(f"{out}: {len(data_bytes)} bytes")


if __name__ == "__main__":
    main()
