"""An autoscaler of a real control plane scales the sample shop on served metrics."""

import pytest

from controller.api.resources import AUTOSCALERS, DEPLOYMENTS
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local import deploying
from controller.local.controlplane import ControlPlane
from controller.local.metrics_api import MetricsApi
from controller.local.stack import LocalStack
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_an_autoscaler_follows_the_cpu_that_pods_are_said_to_use(
    control_plane: RealCluster, namespace: str
) -> None:
    if not isinstance(control_plane, ControlPlane):
        pytest.skip("another cluster has metrics of its own")
    kubeconfig = Kubeconfig(str(control_plane.kubeconfig("admin")))
    async with (
        ApiServer(kubeconfig) as cluster,
        LocalStack(cluster, namespace=namespace),
        MetricsApi(cluster, control_plane.ca, control_plane.ca_key) as metrics,
    ):
        metrics.set_cpu(namespace, {"app": "checkout"}, millicores=100)
        await deploying.put_shop(cluster, "v1", namespace=namespace, replicas=1)
        await deploying.until_rolled_out(cluster, namespace=namespace)
        target = {"type": "AverageValue", "averageValue": "100m"}
        spec = {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }
        scaler = {"metadata": {"name": "checkout"}, "spec": spec}
        await cluster.create(AUTOSCALERS, namespace, scaler)

        async def replicas() -> int:
            return (await cluster.get(DEPLOYMENTS, namespace, "checkout")).spec.replicas

        metrics.set_cpu(namespace, {"app": "checkout"}, millicores=250)
        await deploying.until(replicas, lambda count: count == 3, 60, "more pods")
        metrics.set_cpu(namespace, {"app": "checkout"}, millicores=10)
        await deploying.until(replicas, lambda count: count == 1, 60, "fewer pods")
