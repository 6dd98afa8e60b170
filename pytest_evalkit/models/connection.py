"""How an endpoint is reached: the key, headers, certificates and proxies."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.masking import masked_url
from pytest_evalkit.models.secret_values import SecretValues

OPENAI_URL = "https://api.openai.com/v1"
# What the official SDK reads, and what its forerunner read.
_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_AZURE_VARIABLE = "AZURE_OPENAI_ENDPOINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach an endpoint, and who asks.

    Attributes:
        api_key: Sent as a bearer token; None for the variable OPENAI_API_KEY, and
            without that none is sent. Azure gets it as ``api-key``, by default that of
            the variable AZURE_OPENAI_API_KEY.
        organization: Sent as ``OpenAI-Organization``; None sends none.
        project: Sent as ``OpenAI-Project``; None sends none.
        headers: Sent with every request; they replace ours of the same name.
        verify: Whether the endpoint's certificate must be trusted, or a file or folder
            of certificates to trust. ``false`` trusts whoever answers.
        proxy: URL of an HTTP proxy for every request; None for none.
        trust_env: True to use the proxies that the environment names (HTTPS_PROXY,
            NO_PROXY) and the keys in ``~/.netrc``.
        client: What sends the requests: ``aiohttp``, or ``sdk`` for the official openai
            package, slower, for endpoints that need what only it can do.
        api_version: For Azure OpenAI, which version of its API to ask, such as
            ``2024-10-21``. ``model`` is then the deployment, and ``base_url`` the
            resource alone, ``https://NAME.openai.azure.com``, by default the variable
            AZURE_OPENAI_ENDPOINT. Needs ``client=sdk``. None for all other endpoints.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {
        "header": "headers",
        "verify_certificate": "verify",
        "ca_cert_path": "verify",
        "httpx_trust_env": "trust_env",
    }

    api_key: str | None = field(default=None, repr=False)
    organization: str | None = None
    project: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    verify: bool | str = True
    proxy: str | None = field(default=None, repr=False)
    trust_env: bool = False
    client: Literal["aiohttp", "sdk"] = "aiohttp"
    api_version: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without connecting.

        Raises:
            OptionError: ``verify`` names no certificates, ``proxy`` is no HTTP URL, or
                ``api_version`` is empty or for another client.
        """
        if self.api_version is not None and not self.api_version:
            raise OptionError("api_version must be a version such as 2024-10-21")
        if self.api_version is not None and self.client != "sdk":
            raise OptionError(
                "api_version is for Azure OpenAI, which the official package asks: say "
                "client=sdk too, or leave api_version out"
            )
        self.trusted()
        if self.proxy is not None:
            check_url("proxy", self.proxy)

    @property
    def is_azure(self) -> bool:
        """Whether the endpoint is one of Azure OpenAI."""
        return self.api_version is not None

    @property
    def key_variable(self) -> str:
        """The environment variable of the key."""
        return "AZURE_OPENAI_API_KEY" if self.is_azure else "OPENAI_API_KEY"

    @property
    def key(self) -> str | None:
        """The key in force, or None where there is none."""
        key = self.api_key if self.api_key is not None else os.getenv(self.key_variable)
        return key or None

    def method_url(self, root: str, path: str, model: str) -> str:
        """Write where a method of the API is.

        Args:
            root: Where the API is, or the resource of Azure.
            path: The path of the method, such as ``/chat/completions``.
            model: The model, or the deployment of Azure.
        """
        if self.is_azure:
            path = f"/openai/deployments/{quote(model, safe='')}{path}"
        return url_below(root, path)

    def secrets(self, url: str) -> SecretValues:
        """List what may be said back by whoever answers, and is to be written nowhere.

        Args:
            url: Where requests go.
        """
        sent = {
            "api_key": self.key or "",
            "headers": self.headers,
            "proxy": self.proxy,
            "url": url,
        }
        return SecretValues.of(sent, os.environ)

    def all_headers(self) -> dict[str, str]:
        """List the headers of every request, secrets included."""
        own = {
            "Authorization": self.key and f"Bearer {self.key}",
            "OpenAI-Organization": self.organization,
            "OpenAI-Project": self.project,
        }
        given = {name.lower() for name in self.headers}
        kept = {
            name: value
            for name, value in own.items()
            if value and name.lower() not in given
        }
        return kept | self.headers

    def trusted(self) -> ssl.SSLContext | bool:
        """Say whom to trust: the system's authorities, certificates, or anybody.

        Raises:
            OptionError: The file of certificates cannot be read.
        """
        if isinstance(self.verify, bool):
            return self.verify
        place = Path(self.verify)
        try:
            if place.is_dir():
                return ssl.create_default_context(capath=self.verify)
            return ssl.create_default_context(cafile=self.verify)
        except OSError as error:
            raise OptionError(
                f"verify: cannot read certificates in {self.verify!r}: "
                f"{error.strerror or error}; give a file of them, true or false"
            ) from error


def root_url(given: str | None, paths: tuple[str, ...]) -> str:
    """Find where an API is.

    Args:
        given: The URL that the user gave, or None for the one in the environment
            (OPENAI_BASE_URL or OPENAI_API_BASE), and without that OpenAI's own.
        paths: Paths of methods, of which one may stand at its end.

    Raises:
        OptionError: It is no HTTP URL.
    """
    found = [os.environ[name] for name in _URL_VARIABLES if os.getenv(name)]
    url = given if given is not None else next(iter(found), OPENAI_URL)
    check_url("base_url", url)
    parts = urlsplit(url)
    place = parts.path.rstrip("/")
    for path in paths:
        place = place.removesuffix(path)
    return urlunsplit(parts._replace(path=place))


def url_below(root: str, path: str, *, without: str = "") -> str:
    """Write a URL below another one; what that has after a question mark stays there.

    Args:
        root: The other one.
        path: What comes after its own path.
        without: What is left out at the end of that path.

    >>> url_below("http://h/v1?key=k", "/tokenize", without="/v1")
    'http://h/tokenize?key=k'
    """
    parts = urlsplit(root)
    return urlunsplit(parts._replace(path=parts.path.removesuffix(without) + path))


def azure_url(given: str | None) -> str:
    """Find where a resource of Azure OpenAI is.

    Args:
        given: The URL that the user gave, or None for AZURE_OPENAI_ENDPOINT.

    Raises:
        OptionError: There is none, it is no HTTP URL, or it is that of a method.
    """
    url = given if given is not None else os.getenv(_AZURE_VARIABLE)
    if not url:
        raise OptionError(
            "api_version is for Azure OpenAI, and where that is is not said: give "
            f"base_url=https://NAME.openai.azure.com, or the variable {_AZURE_VARIABLE}"
        )
    check_url("base_url", url)
    parts = urlsplit(url)
    if parts.query or "/openai" in parts.path:
        raise OptionError(
            "with api_version, base_url is the resource alone, such as "
            f"https://NAME.openai.azure.com, got {masked_url(url)!r}; "
            "/openai/deployments/MODEL and the version are added"
        )
    return url.rstrip("/")


def check_url(name: str, url: str) -> None:
    """Make sure that an argument is an HTTP URL.

    Raises:
        OptionError: It is none.
    """
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise OptionError(
            f"{name} must be an http:// or https:// URL, got {masked_url(url)!r}"
        )
