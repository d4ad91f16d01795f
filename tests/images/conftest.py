"""Images are built by the engine of this machine, where it has one."""

from __future__ import annotations

from docker_engine import base_image, docker_engine, engine_of_its_own

__all__ = ["base_image", "docker_engine", "engine_of_its_own"]
