"""deploy/kubernetes: what Kubernetes takes, that it runs the same programs, and that its parts fit together."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from environment.variables import BASE_DIR
from front.server import STOP_SECONDS
from operations.probes import ADDRESSES

FOLDER = BASE_DIR / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")  # The oldest that is supported, and the newest.
# Of operators; Kubernetes itself does not know them.
CUSTOM = {"ScrapeConfig"}
PODS = {"Deployment", "Job"}

Document = dict[str, Any]


def read(text: str) -> list[Document]:
    return [each for each in yaml.safe_load_all(text) if each]


def kustomization(folder: str) -> Document:
    loaded: Document = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())
    return loaded


def resources(folder: str) -> list[Document]:
    """What a kustomization names, without the folders below it."""
    files = [FOLDER / folder / name for name in kustomization(folder)["resources"] if name.endswith(".yaml")]
    return [each for file in files for each in read(file.read_text())]


ALL = resources("base") + resources("overlays/production")
NAMES = [f"{each['kind']} {each['metadata']['name']}" for each in ALL]


def of_kind(*kinds: str) -> list[Document]:
    return [each for each in ALL if each["kind"] in kinds]


def pods() -> Iterator[tuple[str, Document]]:
    for each in of_kind(*PODS):
        yield each["metadata"]["name"], each["spec"]["template"]


def containers() -> Iterator[tuple[str, Document]]:
    for name, pod in pods():
        for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
            yield name, each


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_each_of_them(version: str) -> None:
    for name, document in zip(NAMES, ALL, strict=True):
        if document["kind"] not in CUSTOM:
            assert kubernetes_validate.validate(document, version, strict=True) == version, name


def test_no_file_is_left_out() -> None:
    for folder in ("base", "overlays/production"):
        named = {
            *kustomization(folder)["resources"],
            *(each["path"] for each in kustomization(folder).get("patches", ())),
        }
        assert {file.name for file in (FOLDER / folder).iterdir()} - {"kustomization.yaml"} == {
            name for name in named if not name.startswith("..")
        }


@pytest.mark.worker
def test_kustomize_puts_them_together() -> None:
    program = [["kustomize", "build"], ["kubectl", "kustomize"]]
    found = next((each for each in program if shutil.which(each[0])), None)
    if found is None:
        pytest.skip("Neither kustomize nor kubectl is installed.")
    done = subprocess.run(
        [*found, str(FOLDER / "overlays" / "production")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = read(done.stdout)
    assert sorted(f"{each['kind']} {each['metadata']['name']}" for each in built) == sorted(NAMES)
    assert {each["metadata"]["namespace"] for each in built} == {"postbacks"}
    images = set(re.findall(r"image: (\S+)", done.stdout))
    assert images == {"registry.example/postbacks:1.0.0"}


def test_they_run_the_programs_of_the_procfile() -> None:
    lines = (BASE_DIR / "Procfile").read_text().splitlines()
    programs = {
        name: command.strip().replace("$PORT", "8000") for name, command in (each.split(":", 1) for each in lines)
    }
    run = {name.removeprefix("postbacks-"): " ".join(pod["spec"]["containers"][0]["command"]) for name, pod in pods()}
    assert run == {
        "web": programs["web"],
        "worker": programs["worker"],
        "beat": programs["beat"],
        "migrate": programs["release"],
    }


def test_no_container_may_more_than_it_needs() -> None:
    for name, pod in pods():
        given = pod["spec"]["securityContext"]
        assert (given["runAsNonRoot"], given["seccompProfile"]) == (True, {"type": "RuntimeDefault"}), name
        assert given["runAsUser"] >= 10_000
        assert pod["spec"]["automountServiceAccountToken"] is False
    for name, container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        # All that programs write: the data folder, and temporary files.
        assert {each["mountPath"] for each in container["volumeMounts"]} == {"/data", "/tmp"}  # noqa: S108 -- of a container
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_secrets_are_named_and_not_written() -> None:
    assert of_kind("Secret") == []
    for name, container in containers():
        assert {"secretRef": {"name": "postbacks-secrets"}} in container["envFrom"], name
        plain = {each["name"] for each in container["env"] if "value" in each}
        assert plain <= {"PGOPTIONS", "WORKER_CONCURRENCY"}, name
    (settings,) = of_kind("ConfigMap")
    documented = set(re.findall(r"^#?([A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    assert settings["data"].keys() <= documented | {"PORT"}
    assert not re.search("SECRET|KEY|PASSWORD|TOKEN|_URL", " ".join(settings["data"].keys() - {"PUBLIC_URL"}))


def test_probes_ask_what_there_is_and_no_server_decides_over_a_restart() -> None:
    by_name = {name: pod["spec"]["containers"][0] for name, pod in pods()}
    web = by_name["postbacks-web"]
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz/web", "a worker's trouble takes no web out"
    for probe in ("livenessProbe", "startupProbe"):
        assert ADDRESSES[web[probe]["httpGet"]["path"]].is_quick
    for name in ("worker", "beat"):
        for probe in ("livenessProbe", "startupProbe"):
            assert by_name[f"postbacks-{name}"][probe]["exec"]["command"] == ["sh", "deploy/probe.sh", name]
    assert "deploy" not in (BASE_DIR / ".dockerignore").read_text().split(), "the probe is in the image"


def test_what_has_begun_has_time_to_end(settings: Any) -> None:
    of_pod = {name: pod["spec"] for name, pod in pods()}
    web = of_pod["postbacks-web"]
    before = int(web["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert web["terminationGracePeriodSeconds"] > before + STOP_SECONDS
    assert of_pod["postbacks-worker"]["terminationGracePeriodSeconds"] >= settings.POSTBACKS_SHUTDOWN_TIMEOUT + 10


def test_selectors_find_their_pods() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods()}
    for each in of_kind("Deployment", "PodDisruptionBudget", "Service"):
        selector = each["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        assert [name for name, given in labels.items() if wanted.items() <= given.items()] == [each["metadata"]["name"]]
    for name, pod in pods():
        for spread in pod["spec"].get("topologySpreadConstraints", ()):
            assert spread["labelSelector"]["matchLabels"].items() <= labels[name].items()
    (scaled,) = of_kind("HorizontalPodAutoscaler")
    target = scaled["spec"]["scaleTargetRef"]["name"]
    (deployment,) = [each for each in of_kind("Deployment") if each["metadata"]["name"] == target]
    assert "replicas" not in deployment["spec"], "each kubectl apply would undo what the autoscaler has done"


def test_pods_reach_only_whom_they_need() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind("NetworkPolicy")}
    nothing = policies["postbacks-nothing-else"]
    assert nothing.keys() == {"podSelector", "policyTypes"}
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    (chosen,) = nothing["podSelector"]["matchExpressions"]
    assert all(chosen["key"] in pod["metadata"]["labels"] for _, pod in pods())
    speaking = {name: pod["metadata"]["labels"]["postbacks/speaks-to"] for name, pod in pods()}
    wanted = policies["postbacks-receivers"]["podSelector"]["matchLabels"]["postbacks/speaks-to"]
    assert {name for name, kind in speaking.items() if kind == wanted} == {"postbacks-web", "postbacks-worker"}
    (servers,) = policies["postbacks-servers"]["podSelector"]["matchExpressions"]
    assert set(servers["values"]) == set(speaking.values())


def test_one_address_is_scraped_and_the_metric_of_the_autoscaler_is_exported() -> None:
    from tests.operations.test_metrics import FAMILIES

    (scrape,) = of_kind("ScrapeConfig")
    (service,) = of_kind("Service")
    namespace = kustomization("overlays/production")["namespace"]
    (target,) = scrape["spec"]["staticConfigs"][0]["targets"]
    assert target == f"{service['metadata']['name']}.{namespace}.svc:{service['spec']['ports'][0]['port']}"
    assert scrape["spec"]["metricsPath"] in ADDRESSES
    (scaled,) = of_kind("HorizontalPodAutoscaler")
    name = scaled["spec"]["metrics"][0]["external"]["metric"]["name"]
    assert FAMILIES[name][0] == "gauge"
    assert name in (BASE_DIR / "docs" / "deploying.md").read_text()
