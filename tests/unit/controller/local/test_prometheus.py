"""Prometheus's configuration file."""

import re
from pathlib import Path

import yaml

from controller.local.addresses import process_address
from controller.local.prometheus import config, pods, static


def test_every_interval_is_the_one_asked_for() -> None:
    written = yaml.safe_load(config([static("shop", ["127.0.0.1:1"])], interval_s=0.25))
    assert set(written["global"].values()) == {"250ms"}
    assert written["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:1"]}]


def test_a_pod_address_is_relabelled_as_the_gateway_maps_it() -> None:
    written = yaml.safe_load(config([pods(Path("kc"), ["shop"])], 1))["scrape_configs"][0]
    [rule] = [one for one in written["relabel_configs"] if one.get("target_label") == "__address__"]
    matched = re.fullmatch(rule["regex"], "10.64.3.4:8080")
    assert matched is not None
    replaced = rule["replacement"].replace("${1}", matched.group(1))
    assert replaced == f"{process_address('10.64.3.4')}:8080"
    assert re.fullmatch(rule["regex"], "10.6433:80") is None


def test_no_namespace_named_means_all_of_them() -> None:
    assert "namespaces" not in str(pods(Path("kc"))["kubernetes_sd_configs"])
    assert "{'names': ['shop']}" in str(pods(Path("kc"), ["shop"])["kubernetes_sd_configs"])
