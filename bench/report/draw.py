"""Pictures of meshes, rendered off-screen by pyvista in a process of its own.

VTK aborts the process where it finds neither a display nor a software renderer, and it writes to stderr as it pleases:
the process that draws takes both with it.
"""

from __future__ import annotations

import io
import os
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..peers.contract import FloatArray, Mesh
from .views import FIELD_OF_VIEW, Camera, View, camera_of

TILE = 360  # pixels
_OVERSAMPLING = 2
_WEBP_QUALITY = 82
# Errors are coloured by their logarithm, between these fractions of the diagonal, the same for all shapes and sizes.
LOWEST_ERROR, HIGHEST_ERROR = 1e-4, 1e-2
_CREASE = 35.0  # degrees
_CLAY = "#cdc8bf"
# Directions in the camera's frame (right, up, towards the viewer) and intensities.
_LIGHTS = (((-1.2, 1.4, 1.6), 0.85), ((1.5, 0.4, 0.8), 0.4), ((0.0, -1.0, 0.6), 0.14))
# Black would hide the shading, and the shape with it.
_MAP, _MAP_SHARE = "magma_r", 0.82
MAP_STEPS = 64


class CannotDraw(Exception):
    """There is no renderer here; the text is the reason."""


@dataclass(frozen=True)
class Drawing:
    """What to draw.

    Attributes
    ----------
    mesh : Mesh
    camera : Camera
    errors : (V,) float64, optional
        At the vertices, fractions of the diagonal: drawn as colours. Clay without.
    """

    mesh: Mesh
    camera: Camera
    errors: FloatArray | None = None


class Painter:
    """Draws in a process of its own, which starts with the first drawing.

    Use it as a context manager: leaving it ends the process.
    """

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_be_silent)

    def __enter__(self) -> Painter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def check(self) -> None:
        """Draw a triangle, to learn whether it works.

        Raises
        ------
        CannotDraw
            It does not.
        """
        triangle = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1]]), np.array([[0, 1, 2]]))
        self._result(self._pool.submit(_pixels, Drawing(triangle, camera_of(triangle.vertices, View(2, 0.0, 0.0)))))

    def draw(self, drawing: Drawing) -> bytes:
        """A square WebP picture of `TILE` pixels, transparent around the mesh.

        Raises
        ------
        CannotDraw
            The renderer is missing or gave up.
        """
        return bytes(self._result(self._pool.submit(_webp, drawing)))

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise CannotDraw("the renderer ended its process: no off-screen rendering here") from error
        except ImportError as error:
            raise CannotDraw(f"{error.name or error} is not installed") from error
        except Exception as error:  # whatever VTK raises
            raise CannotDraw(f"{type(error).__name__}: {error}") from error


def error_colours() -> list[str]:
    """The colour map as `MAP_STEPS` hexadecimal colours, from the lowest error to the highest."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps[_MAP](share)) for share in np.linspace(0, _MAP_SHARE, MAP_STEPS)]


def _be_silent() -> None:
    """Without a display VTK says so on stderr, though it draws; a process that only draws has nothing else to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _webp(drawing: Drawing) -> bytes:
    from PIL import Image

    image = Image.fromarray(_pixels(drawing)).resize((TILE, TILE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=_WEBP_QUALITY, method=6)
    return file.getvalue()


def _pixels(drawing: Drawing) -> NDArray[np.uint8]:
    """(S, S, 4) uint8, `_OVERSAMPLING` times the size of a tile."""
    import pyvista

    side = TILE * _OVERSAMPLING
    plotter = pyvista.Plotter(off_screen=True, window_size=[side, side], lighting="none")
    try:
        camera = drawing.camera
        # In diagonals around the middle: the reach of the ambient shadows is a length, and coordinates are float32.
        middle, scale = camera.focus, np.linalg.norm(np.ptp(drawing.mesh.vertices, axis=0))
        _add_mesh(plotter, (drawing.mesh.vertices - middle) / scale, drawing)
        plotter.camera.position = tuple((camera.position - middle) / scale)
        plotter.camera.focal_point = (0.0, 0.0, 0.0)
        plotter.camera.up = tuple(camera.up)
        plotter.camera.view_angle = FIELD_OF_VIEW
        plotter.renderer.reset_camera_clipping_range()
        for position, intensity in _LIGHTS:
            plotter.add_light(pyvista.Light(position=position, light_type="camera light", intensity=intensity))
        plotter.enable_ssao(radius=0.06, bias=0.002, kernel_size=96, blur=True)
        picture = plotter.screenshot(None, return_img=True, transparent_background=True)
    finally:
        plotter.close()
    if not picture[..., 3].any():
        raise RuntimeError("the picture is empty")
    return np.asarray(picture, np.uint8)


def _add_mesh(plotter: Any, vertices: FloatArray, drawing: Drawing) -> None:
    import pyvista
    from matplotlib.colors import ListedColormap

    surface = pyvista.PolyData.from_regular_faces(vertices, drawing.mesh.faces)
    if drawing.errors is None:
        paint: dict[str, Any] = {"color": _CLAY}
    else:
        surface["error"] = np.clip(drawing.errors, LOWEST_ERROR, HIGHEST_ERROR)
        paint = {
            "scalars": "error",
            "cmap": ListedColormap(error_colours()),
            "clim": (LOWEST_ERROR, HIGHEST_ERROR),
            "log_scale": True,
            "show_scalar_bar": False,
        }
    # Soups mix windings: consistent ones keep neighbours from cancelling each other's normals.
    surface = surface.compute_normals(
        cell_normals=False, split_vertices=True, feature_angle=_CREASE, consistent_normals=True
    )
    plotter.add_mesh(surface, smooth_shading=True, ambient=0.09, diffuse=0.9, specular=0.15, specular_power=20, **paint)
