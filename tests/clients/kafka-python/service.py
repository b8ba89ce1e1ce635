"""The helper module that kafka-python's source distribution lacks: brokers that others have started."""


class ExternalService:
    """A broker that runs already."""

    def __init__(self, host, port):
        self.host = host
        self.port = port

    def open(self):
        """It runs."""

    def close(self):
        """It is not ours to end."""

    def is_alive(self):
        """Whether it runs; a dead one is met by the next request."""
        return True

    def dump_logs(self):
        """Its log is kept by whoever started it."""


class SpawnedService:
    """A broker that the tests start themselves: not used here, but imported."""

    def __init__(self, *_, **__):
        raise NotImplementedError("these tests run against a server that is there already")
