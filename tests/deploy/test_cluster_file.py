"""What the cluster's files promise; that a cluster works is for `make cluster-test`."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.test_compose_file import CHECK, IMAGES, ON_THE_BROKER
from tests.support.codebase import ROOT

TEXT = (ROOT / "docker-compose.cluster.yml").read_text()
# Without Compose's own tag, which says that a value replaces the one it meets.
CLUSTER: dict[str, Any] = yaml.safe_load(TEXT.replace(" !override", ""))
PARTS: dict[str, dict[str, Any]] = CLUSTER["services"]
NODES = ["broker-1", "broker-2", "broker-3"]


def test_the_file_fits_the_specification(tmp_path: Path) -> None:
    untagged = tmp_path / "docker-compose.json"
    untagged.write_text(json.dumps(CLUSTER))
    done = subprocess.run([*CHECK, str(untagged)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_same_three_nodes_are_started_joined_and_reached() -> None:
    started = [name for name, part in PARTS.items() if part.get("image", "").startswith("rabbitmq:")]
    assert [PARTS[name]["hostname"] for name in started] == started == NODES
    joined = (ROOT / "deploy" / "broker" / "cluster.conf").read_text()
    assert re.findall(r"^cluster_formation\.classic_config\.nodes\.\d = rabbit@(.+)$", joined, re.M) == NODES
    reached = (ROOT / "deploy" / "broker" / "haproxy.cfg").read_text()
    assert re.findall(r"^ +server (\S+) \1:5672 check$", reached, re.M) == NODES
    assert set(PARTS["rabbitmq"]["depends_on"]) == set(NODES)


def test_every_node_keeps_its_data_in_a_volume_of_its_own() -> None:
    for name in NODES:
        assert f"{name}:/var/lib/rabbitmq" in PARTS[name]["volumes"]
    assert set(CLUSTER["volumes"]) == set(NODES)


def test_only_known_images_are_used() -> None:
    assert {part["image"] for part in PARTS.values() if "image" in part} < IMAGES


def test_all_who_use_the_broker_know_that_calls_wait_in_quorum_queues() -> None:
    knowing = {n for n, part in PARTS.items() if part.get("environment", {}) == {"RPC_QUEUE_TYPE": "quorum"}}
    assert knowing == {*ON_THE_BROKER, "migrate", "operator"}


def test_no_password_and_no_cookie_is_in_the_file_and_every_node_is_given_them() -> None:
    assert not re.search(r"(PASSWORD|COOKIE)\w*:-[^}]", TEXT)
    for name in NODES:
        assert "secrets-rabbitmq:/run/secrets:ro" in PARTS[name]["volumes"]
        assert PARTS[name]["entrypoint"] == ["bash", "/with-secrets.sh"]
