"""For all tests: nothing is skipped; a test that cannot run here has failed to show what it is for.

The suites in `tests/compliance` are no tests of ours: there, what does not apply to a host is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

# No test has a time limit: a busy machine is no finding.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


class _NothingSkipped:
    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and "tests/compliance/" not in report.nodeid:
            self.skipped.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        # Of a skipped file a worker tells the process that shares the tests out nothing by itself.
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["skipped"] = self.skipped

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        for line in getattr(node, "workeroutput", {}).get("skipped", []):
            if line not in self.skipped:
                self.skipped.append(line)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.skipped:
            terminalreporter.write_line(f"skipped, which counts as failed: {line}", red=True)


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what commands write down of their runs out of the home of whoever tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_NothingSkipped())
