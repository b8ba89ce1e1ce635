"""What every Python program of the bars needs: the ready file, who signs in, expectations, the end."""

import json
import os
import sys
import time
import urllib.request
from dataclasses import dataclass, replace

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials

DEADLINE_S = 30


class Failed(Exception):
    """An expectation that did not hold, told in one sentence."""


def expect(holds, sentence):
    """Fails the run with `sentence` unless `holds`."""
    if not holds:
        raise Failed(sentence)


def wait_for(condition, sentence, pause_s=0.1):
    """Asks until `condition` holds; at the deadline the run fails with `sentence`."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        expect(time.monotonic() < deadline, f"{sentence} (waited {DEADLINE_S} s)")
        time.sleep(pause_s)


def run(main):
    """Runs a program's `main`, and says what failed."""
    try:
        main()
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")


@dataclass(frozen=True)
class User:
    """Who signs in: the credentials of every mechanism."""

    region: str
    access_key_id: str
    secret_access_key: str
    scram_username: str
    scram_password: str

    def with_wrong_secret(self):
        """The same user with secrets that the server does not know."""
        return replace(
            self,
            secret_access_key="not " + self.secret_access_key,
            scram_password="not " + self.scram_password,
        )

    def token(self):
        """A token of AWS's published signer, and when it expires (ms)."""
        return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(
            self.region, _Known(self)
        )

    def enter_environment(self):
        """Makes this user's credentials those that AWS's library finds by itself."""
        os.environ["AWS_ACCESS_KEY_ID"] = self.access_key_id
        os.environ["AWS_SECRET_ACCESS_KEY"] = self.secret_access_key
        os.environ["AWS_DEFAULT_REGION"] = self.region


class _Known(CredentialProvider):
    """Credentials that need not be looked for."""

    def __init__(self, user):
        super().__init__()
        self._user = user

    def load(self):
        return Credentials(self._user.access_key_id, self._user.secret_access_key)


class Ready(dict):
    """The ready file of a server."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            super().__init__(json.load(file))

    def user(self, name=None):
        """The cluster's own user, or one of its further users."""
        facts = self["users"][name] if name else self
        return User(
            self["region"], facts["access_key_id"], facts["secret_access_key"],
            facts["scram_username"], facts["scram_password"],
        )

    def sign_ins_renewed(self):
        """How often the server saw a sign-in on a connection that was signed in."""
        with urllib.request.urlopen(self["admin_url"] + "/metrics", timeout=DEADLINE_S) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("tidegate_gateway_sign_ins_renewed_total "):
                    return int(line.split()[1])
        raise Failed("the server does not count the sign-ins that were renewed")
