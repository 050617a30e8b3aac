"""A real Prometheus on loopback, scraping the testbed's pods and whatever else it is given.

    scrapes = [pods(plane.kubeconfig("admin"), ["shop"]), static("envoy", ["127.0.0.1:9901"])]
    async with Prometheus(scrapes) as prometheus:
        ask(prometheus.url)
        prometheus.kill()
        await prometheus.start()  # an outage: same data, same port

It finds pods through the API server, as in a cluster. It knows nothing of Rollouts or of the shop.
"""

import asyncio
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from controller.local import toolchain
from controller.local.addresses import POD_PREFIX, PROCESS_PREFIX
from controller.local.process import LOOPBACK, Process, answers_ok, free_ports, on_free_ports

# One entry of `scrape_configs`, in Prometheus's own words.
Scrape = Mapping[str, object]

READY_WITHIN_S = 30.0


def static(job: str, targets: Sequence[str], path: str = "/metrics") -> Scrape:
    """Scrapes fixed addresses, each `host:port`."""
    return {
        "job_name": job,
        "metrics_path": path,
        "static_configs": [{"targets": list(targets)}],
    }


def pods(kubeconfig: Path, namespaces: Sequence[str] = (), job: str = "pods") -> Scrape:
    """Scrapes each declared port of each running pod; no namespace named means all of them.

    A pod's address in the API is 10.64.x.y, as the server refuses loopback addresses in an
    EndpointSlice; its process listens on 127.64.x.y. Series get the labels `namespace` and `pod`.
    The annotation `prometheus.io/scrape: "false"` leaves a pod out.
    """
    discovery: dict[str, object] = {"role": "pod", "kubeconfig_file": str(kubeconfig)}
    if namespaces:
        discovery["namespaces"] = {"names": list(namespaces)}
    return {
        "job_name": job,
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": [
            _rule("__meta_kubernetes_pod_phase", "Pending|Succeeded|Failed", action="drop"),
            _rule("__meta_kubernetes_pod_annotation_prometheus_io_scrape", "false", action="drop"),
            _rule("__meta_kubernetes_pod_container_port_number", r"\d+", action="keep"),
            _rule(
                "__address__",
                re.escape(POD_PREFIX) + r"(.*)",
                "__address__",
                PROCESS_PREFIX + "${1}",
            ),
            _rule("__meta_kubernetes_namespace", "(.*)", "namespace"),
            _rule("__meta_kubernetes_pod_name", "(.*)", "pod"),
        ],
    }


def _rule(
    source: str, regex: str, target: str = "", replacement: str = "${1}", action: str = "replace"
) -> Mapping[str, object]:
    rule: dict[str, object] = {"source_labels": [source], "regex": regex, "action": action}
    return rule | ({"target_label": target, "replacement": replacement} if target else {})


def config(scrapes: Sequence[Scrape], interval_s: float, rules: Sequence[Path] = ()) -> str:
    """Prometheus's configuration file."""
    every = f"{round(interval_s * 1000)}ms"
    timing = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    whole = {"global": timing, "scrape_configs": [dict(one) for one in scrapes]}
    return yaml.safe_dump(whole | {"rule_files": [str(path) for path in rules]})


class Prometheus:
    """One Prometheus server; an async context manager that can be killed and started again."""

    def __init__(
        self, scrapes: Sequence[Scrape], interval_s: float = 1.0, rules: Sequence[Path] = ()
    ) -> None:
        self._config = config(scrapes, interval_s, rules)
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._process: Process | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(toolchain.require, "prometheus")
        self._home = tempfile.TemporaryDirectory(
            prefix="blastdoor-prometheus-", ignore_cleanup_errors=True
        )
        try:
            await on_free_ports(lambda: self._start_anew(program))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _start_anew(self, program: Path) -> None:
        assert self._home is not None
        self._choose_port(program, Path(self._home.name))
        await self.start()

    def _choose_port(self, program: Path, folder: Path) -> None:
        port = free_ports(1)[0]
        self.url = f"http://{LOOPBACK}:{port}"
        file = folder / "prometheus.yaml"
        file.write_text(self._config)
        flags = [
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--log.level=warn",
        ]
        self._process = Process("prometheus", [program, *flags], folder / "prometheus.log")

    @property
    def process(self) -> Process:
        """The server's process: its pid and log."""
        if self._process is None:
            raise RuntimeError("Prometheus was not started")
        return self._process

    async def start(self) -> None:
        """Starts the server on its port and data, and waits until it is ready."""
        self.process.start()
        ready = f"{self.url}/-/ready"
        await self.process.until_ready(lambda: answers_ok(ready), READY_WITHIN_S)

    def kill(self) -> None:
        """Ends the server as a crash would; `start` brings it back with the same data."""
        self.process.kill()

    async def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()  # its data goes with it: nothing is there to be saved in order
        if self._home is not None:
            await asyncio.to_thread(self._home.cleanup)
            self._home = None
