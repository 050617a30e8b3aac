"""Envoy's files as values."""

import json
from pathlib import Path

from controller.local import envoy_config
from controller.local.envoy_config import Backend, Layout

LAYOUT = Layout(Path("/run/envoy"))


def test_equal_content_has_an_equal_version_and_other_content_another() -> None:
    one = envoy_config.clusters_file(LAYOUT, ["shop/b", "shop/a"])
    assert one == envoy_config.clusters_file(LAYOUT, ["shop/a", "shop/b"])
    assert one.version != envoy_config.clusters_file(LAYOUT, ["shop/a"]).version
    assert json.loads(one.text)["version_info"] == one.version


def test_a_cluster_has_its_own_endpoints_file_and_no_retry_ejection_or_panic() -> None:
    (cluster,) = json.loads(envoy_config.clusters_file(LAYOUT, ["shop/checkout"]).text)["resources"]
    source = cluster["eds_cluster_config"]["eds_config"]["path_config_source"]
    assert source["path"] == "/run/envoy/endpoints/shop/checkout/endpoints.json"
    assert source["watched_directory"]["path"] == "/run/envoy/endpoints/shop/checkout"
    assert "outlier_detection" not in cluster
    assert cluster["common_lb_config"]["healthy_panic_threshold"] == {"value": 0}


def test_endpoints_are_sorted_and_none_is_an_empty_list() -> None:
    backends = [Backend("127.64.0.3", 8080), Backend("127.64.0.2", 8080)]
    (full,) = json.loads(envoy_config.endpoints_file("shop/a", backends).text)["resources"]
    addresses = [
        one["endpoint"]["address"]["socket_address"]["address"]
        for one in full["endpoints"][0]["lb_endpoints"]
    ]
    assert addresses == ["127.64.0.2", "127.64.0.3"]
    (empty,) = json.loads(envoy_config.endpoints_file("shop/a", []).text)["resources"]
    assert empty["endpoints"] == []


def test_the_listener_and_the_admin_address_are_on_loopback() -> None:
    made = json.loads(envoy_config.bootstrap(LAYOUT, "127.0.0.1", 10_000, 10_001))
    sockets = [
        made["admin"]["address"]["socket_address"],
        made["static_resources"]["listeners"][0]["address"]["socket_address"],
    ]
    assert sockets == [
        {"address": "127.0.0.1", "port_value": 10_001},
        {"address": "127.0.0.1", "port_value": 10_000},
    ]
