"""The table of the testbed's programs: versions out of what programs print, sums out of lists."""

import pytest

from controller.local.tools import KUBERNETES, TOOLS, checksum_for, same_minor, version_in

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("Kubernetes v1.37.2\n", "1.37.2"),
        ("Client Version: v1.37.2\nKustomize Version: v5.8.1\n", "1.37.2"),
        ("etcd Version: 3.7.3\nGit SHA: Not provided\nGo Version: go1.26.8\n", "3.7.3"),
        ("prometheus, version 3.16.0 (branch: , revision: unknown)", "3.16.0"),
        ("Kubernetes v0.0.0-master+$Format:%H$", "0.0.0"),
        ("command not found", None),
    ],
)
def test_the_first_version_that_a_program_prints_is_its_own(
    printed: str, version: str | None
) -> None:
    assert version_in(printed) == version


def test_a_patch_release_may_stand_for_another_and_a_minor_may_not() -> None:
    assert same_minor("1.37.0", "1.37.2")
    assert not same_minor("1.36.2", "1.37.2")


def test_a_checksum_file_is_a_bare_sum_or_a_list_of_names() -> None:
    assert checksum_for("kubectl", f"{A}\n") == A
    listed = f"{A}  etcd-linux-arm64.tar.gz\n{B} *etcd-linux-amd64.tar.gz\n"
    assert checksum_for("etcd-linux-amd64.tar.gz", listed) == B


@pytest.mark.parametrize("sums", ["", "<html>not found</html>", f"{A}  another-file\n"])
def test_no_checksum_is_taken_from_a_file_that_has_none(sums: str) -> None:
    assert checksum_for("etcd", sums) is None


def test_kubernetes_programs_are_stamped_with_their_version() -> None:
    for name in ("kube-apiserver", "kube-controller-manager", "kubectl"):
        assert f"version.gitVersion=v{KUBERNETES}" in TOOLS[name].ldflags
        assert "version.gitMinor=37" in TOOLS[name].ldflags
