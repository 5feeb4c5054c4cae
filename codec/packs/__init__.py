"""Where model packs are looked for. The bundled ones lie in this folder."""
