"""Secrets of a run kept out of what pytest shows and writes: reports, logs, warnings.

They are told by their values, since servers say back what they are sent and frames of a
traceback hold what a program was given. A session that asks no model registers none of
this.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.secret_values import SecretValues
from pytest_evalkit.plugin.options import OPTIONS_KEY

_NAME = "evalkit-secrecy"
_SECRETS_KEY: pytest.StashKey[SecretValues] = pytest.StashKey()

Report = pytest.TestReport | pytest.CollectReport


def secrets_of(config: pytest.Config) -> SecretValues:
    """Get the secrets that the run is given, by its arguments and the environment."""
    secrets = config.stash.get(_SECRETS_KEY, None)
    if secrets is None:
        options = config.stash[OPTIONS_KEY]
        arguments = {**_arguments(options.model_args), **_arguments(options.gen_kwargs)}
        secrets = config.stash[_SECRETS_KEY] = SecretValues.of(arguments, os.environ)
    return secrets


def keep_secrets(config: pytest.Config) -> None:
    """Have secrets masked in this process from now on; a second time does nothing."""
    secrets = secrets_of(config)
    if secrets and not config.pluginmanager.hasplugin(_NAME):
        config.pluginmanager.register(Secrecy(secrets), _NAME)


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        return parse_model_args(text)
    except OptionError:
        # It is told elsewhere, without what it says.
        return {}


class Secrecy:
    """Masks secrets in everything that pytest hands from one plugin to another.

    Args:
        secrets: What to mask.
    """

    def __init__(self, secrets: SecretValues) -> None:
        self._secrets = secrets
        self._make_record = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._masked_record)

    def pytest_unconfigure(self) -> None:
        """Leave logging as it was."""
        if logging.getLogRecordFactory() == self._masked_record:
            logging.setLogRecordFactory(self._make_record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Mask what a test is reported with, before anybody sees it."""
        self._mask(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Mask what a file is reported with, before anybody sees it."""
        self._mask(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Mask what a warning says."""
        said = str(warning_message.message)
        masked = self._secrets.text(said)
        if masked != said:
            warning_message.message = warning_message.category(masked)

    def _mask(self, report: Report) -> None:
        report.sections = [
            (name, self._secrets.text(text)) for name, text in report.sections
        ]
        if isinstance(report, pytest.TestReport):
            report.user_properties = [
                (name, self._secrets.plain(value))
                for name, value in report.user_properties
            ]
        longrepr = report.longrepr
        if isinstance(longrepr, str):
            report.longrepr = self._secrets.text(longrepr)
        elif isinstance(longrepr, tuple):
            path, line, reason = longrepr
            report.longrepr = (path, line, self._secrets.text(reason))
        elif longrepr is not None:
            self._mask_rendering(report)

    def _mask_rendering(self, report: Report) -> None:
        """Mask a traceback that pytest has taken apart, wherever a text is in it."""
        text = report.longreprtext
        if self._secrets.text(text) == text:
            return
        self._mask_within(report.longrepr)
        if self._secrets.text(report.longreprtext) != report.longreprtext:
            # One that spans lines; the text alone has no colours, and no secret.
            report.longrepr = self._secrets.text(text)

    def _mask_within(self, node: Any) -> Any:
        if isinstance(node, str):
            return self._secrets.text(node)
        if isinstance(node, list | tuple):
            return type(node)(self._mask_within(one) for one in node)
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            for field in dataclasses.fields(node):
                value = self._mask_within(getattr(node, field.name))
                object.__setattr__(node, field.name, value)
        return node

    def _masked_record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make_record(*args, **kwargs)
        try:
            said = record.getMessage()
        # What is logged writes itself, and may raise anything; logging tells of it.
        except Exception:  # noqa: BLE001
            return record
        masked = self._secrets.text(said)
        if masked != said:
            record.msg, record.args = masked, ()
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            if self._secrets.text(trace) != trace:
                record.exc_text = self._secrets.text(trace)
        return record
