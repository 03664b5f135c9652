"""The pytest plugin: gives each check its host and what is accepted, and turns outcomes into verdicts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import pytest

from plumbline.model import Text
from plumbline.policy.accepts import Accepts, Value
from plumbline.policy.standard import DesiredState
from plumbline.probes.host import DeliveredHost
from plumbline.spec.model import HostSpec, Site
from plumbline.verify.cases import Case, Setting, Target, settings
from plumbline.verify.results import CheckResult, Verdict
from plumbline.verify.told import accepted_text, observed_lines, title_of
from plumbline.verify.unknown import Unknown

Key = tuple[str, str]
"""Host name and control name."""


class ComplianceRun:
    """One run of the suites over some targets; `results` fills while it runs."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self.results: dict[Key, list[CheckResult]] = {}
        self._hosts: dict[str, DeliveredHost] = {}
        self._compared: tuple[str, object, object] | None = None
        self.broken: str | None = None
        """Why a suite could not be read, if one could not."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Spare pytest the rendering of tracebacks that `plumb check` never shows."""
        if config.pluginmanager.get_plugin("terminalreporter") is None:
            config.option.tbstyle = "native"

    def host(self, target: Target) -> DeliveredHost:
        """Return the host made from a target's evidence, one object a host."""
        if target.name not in self._hosts:
            from plumbline.evidence.backend import EvidenceBackend
            from plumbline.probes import all_probes

            if target.evidence is None:
                raise ValueError(f"{target.name} has no evidence to judge")
            probes = all_probes(site=target.desired.site)
            self._hosts[target.name] = DeliveredHost(EvidenceBackend(target.evidence, probes=probes))
        return self._hosts[target.name]

    def cases(self, metafunc: pytest.Metafunc) -> Iterator[Case]:
        """Yield the cases of one test function: a case a host, or a case a host and setting."""
        named = metafunc.definition.get_closest_marker("control")
        kind = metafunc.definition.get_closest_marker("mechanism")
        for target in self.targets:
            if target.evidence is None:
                continue
            for name, resolved in target.desired.controls.items():
                if named is not None and named.args[0] == name:
                    yield Case(target, name)
                elif kind is not None:
                    for setting in settings(resolved, kind.args[0]):
                        yield Case(target, name, setting)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each check on the hosts that are held to its control."""
        if "case" in metafunc.fixturenames:
            cases = list(self.cases(metafunc))
            metafunc.parametrize("case", cases, ids=str, indirect=True)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the checks that no host is held to; pytest would report them as skipped."""
        kept: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            (kept if _case(item) is not None else left_out).append(item)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = kept

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a suite could not be read: its checks would be missing without a word."""
        if report.failed:
            self.broken = report.longreprtext

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Forget what the check before compared and read."""
        self._compared = None
        case = _case(item)
        if case is not None:
            self.host(case.target).probes_read.clear()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Keep what a failing check compared: the observed on the left, the accepted on the right."""
        self._compared = (op, left, right)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the outcome of a check into its verdict."""
        report = yield
        case = _case(item)
        finished = call.when == "call" or (call.when == "setup" and call.excinfo is not None)
        if case is not None and finished and isinstance(item, pytest.Function):
            result = self._result(item, case, call.excinfo.value if call.excinfo else None)
            self.results.setdefault((case.target.name, case.control), []).append(result)
        return report

    def _result(self, item: pytest.Function, case: Case, error: BaseException | None) -> CheckResult:
        common: dict[str, Any] = {
            "check": (item.originalname or item.name) + (f"[{case.setting.key}]" if case.setting else ""),
            "title": title_of(item, case),
            "probes": list(self.host(case.target).probes_read),
        }
        if error is None:
            return CheckResult(verdict=Verdict.PASS, **common)
        if isinstance(error, AssertionError):
            op, left, right = self._compared or ("", str(error).splitlines()[0] if str(error) else "", "")
            return CheckResult(
                verdict=Verdict.FAIL,
                observed=observed_lines(left),
                accepted=accepted_text(op, right),
                **common,
            )
        return CheckResult(**self._unsaid(error), **common)

    @staticmethod
    def _unsaid(error: BaseException) -> dict[str, Any]:
        from plumbline.report.locales import text

        if isinstance(error, Unknown):
            return {"verdict": Verdict.UNKNOWN, "reason": text(error.message, **error.arguments)}
        if isinstance(error, pytest.skip.Exception):
            message = getattr(error, "message", None) or str(error)
            reason: Text = text(message, **getattr(error, "arguments", {}))
            return {"verdict": Verdict.NOT_APPLICABLE, "reason": reason}
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return {"verdict": Verdict.UNKNOWN, "reason": text("the check itself failed: {error}", error=told)}

    @pytest.fixture
    def case(self, request: pytest.FixtureRequest) -> Case:
        """The case that is run: host, control, setting."""
        found: Case = request.param
        return found

    @pytest.fixture(name="host")
    def host_fixture(self, case: Case) -> DeliveredHost:
        """The delivered host, as its evidence shows it."""
        return self.host(case.target)

    @pytest.fixture
    def accepts(self, case: Case) -> Callable[[str], Accepts]:
        """What a parameter of the control accepts on this host, by the parameter's name."""
        return case.resolved.accepts.__getitem__

    @pytest.fixture
    def value(self, case: Case) -> Callable[[str], Value]:
        """The value of a parameter of the control on this host, by the parameter's name."""
        return case.resolved.values.__getitem__

    @pytest.fixture
    def setting(self, case: Case) -> Setting:
        """The setting that a mechanism's check judges."""
        if case.setting is None:
            raise ValueError("only checks of a mechanism have a setting")
        return case.setting

    @pytest.fixture
    def desired(self, case: Case) -> DesiredState:
        """The whole desired state of the host."""
        return case.target.desired

    @pytest.fixture
    def spec(self, case: Case) -> HostSpec:
        """The host's specification."""
        return case.target.desired.host

    @pytest.fixture
    def site(self, case: Case) -> Site:
        """The site the host stands at."""
        return case.target.desired.site


def _case(item: pytest.Item) -> Case | None:
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("case") if callspec is not None else None
    return found if isinstance(found, Case) else None
