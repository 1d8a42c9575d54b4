"""Settings of property tests: derandomized, so that a run repeats, and small, since they are many."""

from hypothesis import HealthCheck, settings

QUICK = settings(max_examples=40, deadline=None, derandomize=True, database=None)
THOROUGH = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
