"""Pictures of triangle meshes by ray casting on the CPU: numpy, libigl's ray queries and Pillow; no display, no GPU.

    python examples/render.py mesh.ply picture.png

A key light with soft shadows, a fill light, sky light with ambient occlusion, a floor. One `View` serves several
meshes, so that pictures of an original and of its decoded copy can be laid side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import igl
import igl.embree
import numpy as np
from PIL import Image

Albedo = Callable[[np.ndarray], np.ndarray]
"""Points on the surface (N, 3) -> colours (N, 3) in 0..1, linear light."""

CLAY = np.array([0.70, 0.50, 0.37])
FLOOR = np.array([0.84, 0.85, 0.88])
# Directions towards the lights (right, into the picture, up) and their colours.
KEY_LIGHT, KEY_COLOUR = np.array([-0.85, -0.42, 0.72]), np.array([1.42, 1.35, 1.24])
FILL_LIGHT, FILL_COLOUR = np.array([0.85, -0.45, 0.30]), np.array([0.17, 0.19, 0.22])
SKY_COLOUR = np.array([0.40, 0.43, 0.47])
SHADOW_RAYS = 2  # per sample, over the disc of the key light
SKY_RAYS = 8
CREASE_DEGREES = 35.0


@dataclass(frozen=True)
class View:
    """A perspective camera around some points.

    Attributes
    ----------
    points : (N, 3) float64
        They fill the picture; the floor is level with the lowest.
    azimuth, elevation : float
        Degrees; azimuth 0 looks along +y (where z is up), a positive elevation looks down.
    size : (int, int)
        Width and height of the picture in pixels.
    up : int
        The axis that points up, 0..2.
    field_of_view : float
        Degrees, over the longer side of the picture.
    """

    points: np.ndarray
    azimuth: float = 25.0
    elevation: float = 14.0
    size: tuple[int, int] = (640, 760)
    up: int = 2
    field_of_view: float = 26.0

    @classmethod
    def around(cls, vertices: np.ndarray, **settings: object) -> View:
        """A view of a mesh's `vertices` (V, 3)."""
        extremes = np.concatenate([vertices.argmin(axis=0), vertices.argmax(axis=0)])
        some = np.arange(0, len(vertices), max(1, len(vertices) // 20_000))
        return cls(np.asarray(vertices, np.float64)[np.union1d(some, extremes)], **settings)  # type: ignore[arg-type]

    @property
    def centre(self) -> np.ndarray:
        return (self.points.min(axis=0) + self.points.max(axis=0)) / 2

    @property
    def radius(self) -> float:
        return float(np.linalg.norm(np.ptp(self.points, axis=0))) / 2

    def basis(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unit vectors right, forward and up of the camera, world axes."""
        a, e = np.deg2rad([self.azimuth, self.elevation])
        forward = np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), -np.sin(e)])
        right = np.array([np.cos(a), -np.sin(a), 0.0])
        axes = np.roll(np.eye(3), self.up - 2, axis=1)  # rows: where x, y and z of a z-up world lie in ours
        return right @ axes, forward @ axes, np.cross(right, forward) @ axes

    def level(self) -> np.ndarray:
        """Rows: right, horizontal forward, true up; the frame of the lights."""
        right, _, _ = self.basis()
        up = np.eye(3)[self.up]
        return np.stack([right, np.cross(up, right), up])

    def rays(self, samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Origin (3,) and unit directions (H * samples, W * samples, 3)."""
        right, forward, up = self.basis()
        width, height = self.size
        local = (self.points - self.centre) @ np.stack([right, up, forward], axis=1)
        tangent = np.tan(np.deg2rad(self.field_of_view) / 2) * np.array([width, height]) / max(width, height)
        # as near as the field of view allows, the points in the middle of the picture
        distance, shift = 0.0, np.zeros(2)
        for _ in range(8):
            reach = np.abs(local[:, :2] - shift * distance) / (tangent * 0.88)
            distance = (reach - local[:, 2:]).max()
            seen = local[:, :2] / (local[:, 2:] + distance)
            shift = (seen.max(axis=0) + seen.min(axis=0)) / 2
        x = (np.arange(width * samples) + 0.5) / (width * samples) * 2 - 1
        y = 1 - (np.arange(height * samples) + 0.5) / (height * samples) * 2
        across, along = (x * tangent[0] + shift[0])[None, :, None], (y * tangent[1] + shift[1])[:, None, None]
        direction = forward + across * right + along * up
        return self.centre - distance * forward, direction / np.linalg.norm(direction, axis=-1, keepdims=True)


class Scene:
    """A mesh ready for ray queries."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.vertices = np.ascontiguousarray(vertices, np.float64)
        self.faces = np.ascontiguousarray(faces, np.int64)
        self.tree = igl.AABB()
        self.tree.init(self.vertices, self.faces)
        self.sky = igl.embree.EmbreeIntersector()
        self.sky.init(self.vertices.astype(np.float32), self.faces.astype(np.int32))
        self.corner_normals = igl.per_corner_normals(self.vertices, self.faces, CREASE_DEGREES).reshape(-1, 3, 3)
        self.epsilon = 1e-4 * float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    def hit(self, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """First triangle (N,), -1 for none; ray length (N,); barycentric coordinates (N, 2)."""
        face, length, uv = self.tree.intersect_ray_first(self.vertices, self.faces, origins, directions)
        return face, length, uv

    def normals(self, face: np.ndarray, uv: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Unit normals (N, 3), interpolated, of the side that the rays come from."""
        weights = np.stack([1 - uv.sum(axis=1), uv[:, 0], uv[:, 1]], axis=1)
        normal = _unit(np.einsum("nc,ncd->nd", weights, self.corner_normals[face]))
        a, b, c = np.moveaxis(self.vertices[self.faces[face]], 1, 0)
        behind = np.einsum("ij,ij->i", np.cross(b - a, c - a), directions) > 0
        return np.where(behind[:, None], -normal, normal)


def render(vertices: np.ndarray, faces: np.ndarray, view: View, *paints: Albedo, samples: int = 3) -> list[np.ndarray]:
    """Pictures (H, W, 3) uint8 of a mesh, one for each paint; clay when none is given.

    Parameters
    ----------
    vertices : (V, 3) float array
    faces : (F, 3) int array
    view : View
    *paints : callable
        Points on the surface (N, 3) -> colours (N, 3) in 0..1, linear light.
    samples : int
        Rays along the side of a pixel.
    """
    scene = Scene(vertices, faces)
    eye, directions = view.rays(samples)
    shape, directions = directions.shape[:2], directions.reshape(-1, 3)
    face, length, uv = scene.hit(np.broadcast_to(eye, directions.shape).copy(), directions)
    background = _backdrop(shape)

    floor, points, fade = _floor(view, eye, directions, face < 0)
    up = np.broadcast_to(view.level()[2], points.shape).copy()
    sun, sky = _sun(scene, view, points, up), _sky(scene, points, up)
    depth = np.full(len(face), np.inf, np.float32)
    depth[floor] = np.linalg.norm(points - eye, axis=1)
    shade = 0.52 + 0.22 * _smooth(sun, floor, depth, shape) + 0.26 * _smooth(sky, floor, depth, shape)
    background[floor] *= 1 - (fade * (1 - shade))[:, None]

    seen = np.flatnonzero(face >= 0)
    points = eye + length[seen, None] * directions[seen]
    normals = scene.normals(face[seen], uv[seen], directions[seen])
    sun, sky = _sun(scene, view, points, normals), _sky(scene, points, normals)
    depth = np.full(len(face), np.inf, np.float32)
    depth[seen] = length[seen]
    light, gloss = _light(
        view, normals, directions[seen], _smooth(sun, seen, depth, shape), _smooth(sky, seen, depth, shape)
    )

    pictures = []
    for paint in paints or (clay,):
        picture = background.copy()
        picture[seen] = paint(points) * light + gloss
        pictures.append(
            _to_bytes(picture.reshape(shape[0] // samples, samples, shape[1] // samples, samples, 3).mean(axis=(1, 3)))
        )
    return pictures


def clay(points: np.ndarray) -> np.ndarray:
    """The plain paint."""
    return np.broadcast_to(CLAY, points.shape)


def _light(
    view: View, normals: np.ndarray, directions: np.ndarray, sun: np.ndarray, sky: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    frame = view.level()
    key, fill = _unit(KEY_LIGHT) @ frame, _unit(FILL_LIGHT) @ frame
    light = (sun * np.clip(normals @ key, 0, None))[:, None] * KEY_COLOUR
    light += (np.clip(normals @ fill, 0, None) * sky)[:, None] * FILL_COLOUR
    light += ((0.66 + 0.34 * (normals @ frame[2])) * sky**1.3)[:, None] * SKY_COLOUR
    half = _unit(key - directions)
    gloss = 0.10 * sun * np.clip(np.einsum("ij,ij->i", normals, half), 0, None) ** 36
    return light, gloss[:, None]


def _sun(scene: Scene, view: View, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Part of the key light's disc that each point sees, (N,)."""
    rng = np.random.default_rng(7)
    key = _unit(KEY_LIGHT) @ view.level()
    side = _unit(np.cross(key, np.roll(key, 1) + [0.1, 0.2, 0.3]))
    other = np.cross(key, side)
    seen = np.zeros(len(points))
    facing = np.flatnonzero(normals @ key > 0)
    lifted = points[facing] + scene.epsilon * normals[facing]
    for i in range(SHADOW_RAYS):
        angle = 2 * np.pi * (i + rng.random(len(facing))) / SHADOW_RAYS
        reach = 0.07 * np.sqrt(rng.random(len(facing)))
        towards = key + (reach * np.cos(angle))[:, None] * side + (reach * np.sin(angle))[:, None] * other
        seen[facing] += scene.hit(lifted, towards)[0] < 0
    return seen / SHADOW_RAYS


def _sky(scene: Scene, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Part of the sky that each point sees, (N,)."""
    return 1 - igl.embree.ambient_occlusion(scene.sky, points + scene.epsilon * normals, normals, SKY_RAYS)


def _floor(
    view: View, eye: np.ndarray, directions: np.ndarray, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays (M,) that meet the floor, the points (M, 3) where they do, and how much of the floor is seen there (M,)."""
    up = view.level()[2]
    fall = directions @ up
    rays = np.flatnonzero(free & (fall < -1e-6))
    points = eye + (((view.points @ up).min() - eye @ up) / fall[rays])[:, None] * directions[rays]
    offset = points - view.centre
    far = np.linalg.norm(offset - (offset @ up)[:, None] * up, axis=1) / view.radius
    fade = np.clip((2.6 - far) / 1.6, 0, 1)
    keep = fade > 0
    return rays[keep], points[keep], (fade * fade * (3 - 2 * fade))[keep]


def _smooth(values: np.ndarray, pixels: np.ndarray, depth: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Noise taken out of per-pixel values: a mean over neighbours of nearly the same depth."""
    image, total, weight = (np.zeros(shape, np.float32) for _ in range(3))
    image.reshape(-1)[pixels] = values
    depth = depth.reshape(shape)
    with np.errstate(invalid="ignore"):  # inf - inf, where there is nothing
        for shift in [(dy, dx) for dy in (-2, 0, 2) for dx in (-2, 0, 2)]:
            near = np.abs(np.roll(depth, shift, axis=(0, 1)) - depth) < 0.006 * depth
            total += near * np.roll(image, shift, axis=(0, 1))
            weight += near
    return (total / np.maximum(weight, 1)).reshape(-1)[pixels].astype(np.float64)


def _backdrop(shape: Sequence[int]) -> np.ndarray:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    glow = np.hypot((x / shape[1] - 0.5) * 1.1, y / shape[0] - 0.42)
    return (FLOOR * (1.0 - 0.30 * np.clip(glow, 0, 1)[..., None] ** 1.5)).reshape(-1, 3)


def _to_bytes(linear: np.ndarray) -> np.ndarray:
    """Linear light to 8-bit sRGB, highlights rolled off."""
    rolled = np.where(linear < 0.75, linear, 0.75 + 0.25 * np.tanh((linear - 0.75) / 0.25))
    curve = np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * np.clip(rolled, 1e-9, None) ** (1 / 2.4) - 0.055)
    return (np.clip(curve, 0, 1) * 255 + 0.5).astype(np.uint8)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


if __name__ == "__main__":
    import trimesh

    mesh = trimesh.load_mesh(sys.argv[1], process=False)
    Image.fromarray(render(mesh.vertices, mesh.faces, View.around(mesh.vertices))[0]).save(sys.argv[2])
