"""A pytest plugin: kafka-python's tests sign in by SCRAM over TLS, and their outcomes are kept.

READY_FILE names the server's ready file, RESULTS where the outcomes go, in the form of verdict.py; the tests named
in the file LEAVE_OUT (first word of each line) are not run.
"""

import json
import os
import re

import pytest

outcomes = {}


def _sign_in():
    with open(os.environ["READY_FILE"], encoding="utf-8") as file:
        ready = json.load(file)
    return {
        "bootstrap_servers": ready["bootstrap"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": ready["scram_username"],
        "sasl_plain_password": ready["scram_password"],
        "ssl_cafile": ready["ca_file"],
    }


@pytest.hookimpl(trylast=True)
def pytest_sessionstart():
    """Gives every client of the tests the sign-in, which they have for brokers of their own only."""
    from test.integration.fixtures import KafkaFixture

    plain = KafkaFixture._enrich_client_params
    sign_in = _sign_in()

    def signed_in(self, params, **defaults):
        return plain(self, sign_in | params, **defaults)

    KafkaFixture._enrich_client_params = signed_in


def pytest_collection_modifyitems(items):
    """Leaves out the tests named in LEAVE_OUT."""
    with open(os.environ["LEAVE_OUT"], encoding="utf-8") as file:
        named = {line.split()[0] for line in file if line.strip()}
    items[:] = [item for item in items if item.name not in named]


def pytest_runtest_logreport(report):
    """Keeps the worst of a test's three reports, and the sum of their times."""
    name = report.nodeid.rsplit("::", 1)[-1]
    found = outcomes.setdefault(name, {"state": "passed", "seconds": 0.0, "reason": ""})
    found["seconds"] += report.duration
    if report.failed and found["state"] != "failed":
        told = re.findall(r"^E +(.*)$", report.longreprtext, flags=re.M)
        state = "hung" if "Timeout" in report.longreprtext and "pytest-timeout" in report.longreprtext else "failed"
        found |= {"state": state, "reason": told[0] if told else report.longreprtext[-200:]}
    elif report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        found |= {"state": "skipped", "reason": reason}


def pytest_sessionfinish():
    """Writes the outcomes."""
    with open(os.environ["RESULTS"], "w", encoding="utf-8") as file:
        json.dump(outcomes, file, indent=1)
