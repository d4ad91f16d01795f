"""Start a run's worker in a container: as the person, with the person's files, and nothing else of the machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.images.containers.container import ContainerWorker, close_link, remove_container
from envkit.images.containers.death import explain_start
from envkit.images.containers.devices import ALL_GPUS
from envkit.images.containers.identity import choose_identity, choose_share, read_person
from envkit.images.containers.mounts import plan_mounts
from envkit.images.containers.variables import container_variables
from envkit.images.containers.watch import ContainerWatch
from envkit.images.engine.failures import is_of_engine
from envkit.images.layout import RUN_LABEL
from envkit.runs.launch import worker_command
from envkit.worker.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from envkit.api.records import EnvironmentUse, RunRequest
    from envkit.images.containers.devices import GpuWay
    from envkit.images.containers.identity import Person
    from envkit.images.containers.mounts import BindMount
    from envkit.images.containers.variables import ModelSupply
    from envkit.images.engine.engine import Engine

_INIT = (
    1  # the container's first process: it starts the worker, passes signals on to it and reaps what it leaves
)
_STOP_MARGIN = 10  # seconds that `docker stop`, or an engine that shuts down, gives beyond the grace


@dataclass(frozen=True, kw_only=True)
class ContainerStart:
    """All that a container for a run's worker needs to know beside the run itself.

    ``image`` is an id; ``path_options`` are the run's options that name files and folders.
    """

    engine: Engine
    image: str
    reference: str
    supply: ModelSupply
    gpus: GpuWay
    path_options: tuple[str, ...]
    person: Person = field(default_factory=read_person)

    def __call__(
        self,
        folder: RunFolder,
        *,
        environment: EnvironmentUse,
        grace: float,
        resume: bool,
        force: bool,
        environ: Mapping[str, str],
        inherited: Sequence[int],
    ) -> ContainerWorker:
        """Start the worker of this run, or of its resumption, in a container of its own. Raises: ImageError."""
        del inherited  # a container keeps its image from being removed by itself
        folder = RunFolder(folder.path.resolve())
        request = folder.read_request()
        command = worker_command(
            folder,
            environment=environment,
            host=_INIT,
            grace=grace,
            resume=resume,
            force=force,
            log=folder.log_file,
        )
        settings = self._settings(
            folder,
            request,
            command=command,
            variables=container_variables(environ, supply=self.supply, user=self.person.name),
            grace=grace,
        )
        return _start(self, folder, request, settings)

    def _info(self) -> Mapping[str, Any]:
        with self.engine.explained("say what it can do"):
            info: Mapping[str, Any] = self.engine.client.info()
        return info

    def _settings(
        self,
        folder: RunFolder,
        request: RunRequest,
        *,
        command: Sequence[str],
        variables: Mapping[str, str],
        grace: float,
    ) -> dict[str, Any]:
        from docker.types import LogConfig

        api, info = self.engine.client.api, self._info()
        identity, share = choose_identity(self.person, engine=self.engine, info=info), choose_share(info)
        mounts = plan_mounts(
            folder.path, readable=(*_named_paths(request, self.path_options), *self.supply.readable)
        )
        is_selinux = any("selinux" in option for option in info.get("SecurityOptions") or ())
        host_config = api.create_host_config(
            auto_remove=True,  # whatever dies, the engine leaves nothing of the container
            init=True,
            mounts=_as_mounts(mounts),
            cap_drop=["ALL"],
            cap_add=list(identity.capabilities),
            # Relabelled for a container, the person's own files would be lost to others who are confined.
            security_opt=["no-new-privileges", *(["label=disable"] if is_selinux else [])],
            shm_size=share.shared_memory,
            cpuset_cpus=share.cores or None,
            group_add=list(identity.groups),
            device_requests=_device_requests(self.gpus),
            log_config=LogConfig(type="none"),  # the run's folder has the log
        )
        if identity.userns:
            host_config["UsernsMode"] = identity.userns  # docker-py knows `host` alone
        return {
            "image": self.image,
            "entrypoint": list(command[:1]),
            "command": list(command[1:]),
            "user": identity.user,
            "environment": dict(variables),
            "working_dir": str(folder.path),
            "labels": {RUN_LABEL: request.id},
            "host_config": host_config,
            "stdin_open": True,
            "detach": False,  # attached once: the end of this process is the end of the worker's standard input
            "stop_timeout": int(grace) + _STOP_MARGIN,
            "healthcheck": {"test": ["NONE"]},
        }


def _start(
    start: ContainerStart, folder: RunFolder, request: RunRequest, settings: Mapping[str, Any]
) -> ContainerWorker:
    client = start.engine.client
    container, link = "", None
    try:
        container = client.api.create_container(**settings)["Id"]
        link = client.api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        watch = ContainerWatch(client, container)
        watch.start()
        client.api.start(container)
    except BaseException as error:
        if link is not None:
            close_link(link)
        if container:
            remove_container(client, container)  # removed by itself only once it has run
        if not is_of_engine(error):
            raise
        raise explain_start(
            error,
            reference=start.reference,
            endpoint=start.engine.endpoint,
            task=request.task,
            disk=start.engine.disk,
        ) from error
    return ContainerWorker(
        container,
        engine=start.engine,
        reference=start.reference,
        folder=folder,
        request=request,
        link=link,
        watch=watch,
    )


def _named_paths(request: RunRequest, names: Iterable[str]) -> list[Path]:
    return [Path(value) for name in names if (value := request.options.get(name))]


def _as_mounts(mounts: Iterable[BindMount]) -> list[Any]:
    from docker.types import Mount

    return [
        Mount(str(mount.path), str(mount.source or mount.path), type="bind", read_only=not mount.is_writable)
        for mount in mounts
    ]


def _device_requests(way: GpuWay) -> list[Any]:
    from docker.types import DeviceRequest

    if way == "device-request":
        return [DeviceRequest(driver="nvidia", count=-1, capabilities=[["gpu", "compute", "utility"]])]
    if way == "cdi":
        return [DeviceRequest(driver="cdi", device_ids=[ALL_GPUS])]
    return []
