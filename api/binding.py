"""What a route's function is called with: worked out once from its signature, and filled in for each request.

The framework reads the signature and describes the route; its own filling in, which asks anew at each request what kind
of thing every parameter is, took longer than all else between the socket and the use case. What is not plain is left to
it: dependencies with parameters or an end of their own, forms, cookies.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Body
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request

Faults = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a request: where it stands (path, query, header, body), and what reads it."""

    name: str
    place: str
    alias: str
    many: bool
    field: Any  # the framework's, around pydantic's validator

    def read(self, given: Mapping[str, Any], values: dict[str, Any], faults: Faults) -> None:
        """Put the value into `values`, or what is wrong with it into `faults`."""
        if self.many and isinstance(given, ImmutableMultiDict):
            found = given.getlist(self.alias) or None
        else:
            found = given.get(self.alias)
        if found is not None:
            self.check(found, (self.place, self.alias), values, faults)
        elif self.field.field_info.is_required():
            faults.append(missing(self.place, self.alias))
        else:
            values[self.name] = self.field.get_default()

    def check(self, found: Any, place: tuple[str, ...], values: dict[str, Any], faults: Faults) -> None:
        """Put a value that was found into `values`, as what it should be."""
        value, wrong = self.field.validate(found, {}, loc=place)
        if wrong:
            faults.extend(wrong)
        else:
            values[self.name] = value


def missing(*place: str) -> dict[str, Any]:
    """Return the fault of a value that is not given."""
    return {"type": "missing", "loc": place, "msg": "Field required", "input": None}


class Binding:
    """The parameters of a route that is plain."""

    def __init__(self, whole: Dependant) -> None:
        """Take the signature as the framework has understood it."""
        assert whole.call is not None
        self.call: Callable[..., Any] = whole.call
        self.runs_in_loop = iscoroutinefunction(self.call)
        self._request = whole.request_param_name
        self._providers = {str(part.name): _provider(part) for part in whole.dependencies}
        self._path = _parameters("path", whole.path_params)
        self._query = _parameters("query", whole.query_params)
        self._header = _parameters("header", whole.header_params)
        self.body = next(iter(_parameters("body", whole.body_params)), None)

    async def provide(self, request: Request) -> dict[str, Any]:
        """Return what the route's dependencies make of a request."""
        return {name: await provider(request) for name, provider in self._providers.items()}

    def fill(self, request: Request, provided: dict[str, Any], body: Callable[[], Any] | None) -> dict[str, Any]:
        """Return all arguments; `body` returns the value of the body, where there is one.

        Raises:
            RequestValidationError: with everything that is missing or not what it should be.
        """
        values, faults = dict(provided), list[dict[str, Any]]()
        for given, parameters in (
            (request.path_params, self._path),
            (request.query_params, self._query),
            (request.headers, self._header),
        ):
            for parameter in parameters:
                parameter.read(given, values, faults)
        if self.body is not None:
            if body is not None:
                self.body.check(body(), ("body",), values, faults)
            elif self.body.field.field_info.is_required():
                faults.append(missing("body"))
            else:
                values[self.body.name] = self.body.field.get_default()
        if faults:
            raise RequestValidationError(faults)
        if self._request is not None:
            values[self._request] = request
        return values


def _parameters(place: str, fields: Sequence[Any]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(field.name, place, field.alias, "list" in str(field.field_info.annotation), field) for field in fields
    )


def _provider(part: Dependant) -> Callable[[Request], Awaitable[Any]]:
    call, name = part.call, part.request_param_name
    assert call is not None and name is not None

    async def provide(request: Request) -> Any:
        return await call(**{name: request})

    return provide


def is_plain(whole: Dependant) -> bool:
    """Return whether a route takes path, query, headers, one JSON body, and coroutine functions of the request."""
    bodies = [type(field.field_info) for field in whole.body_params]
    return bodies in ([], [Body]) and not _has_more(whole) and all(map(_is_provided, whole.dependencies))


def _is_provided(part: Dependant) -> bool:
    own = (part.dependencies, part.path_params, part.query_params, part.header_params, part.body_params)
    return (
        iscoroutinefunction(part.call) and part.request_param_name is not None and not any(own) and not _has_more(part)
    )


def _has_more(part: Dependant) -> bool:
    named = (
        part.websocket_param_name,
        part.http_connection_param_name,
        part.response_param_name,
        part.background_tasks_param_name,
        part.security_scopes_param_name,
    )
    return bool(part.cookie_params) or any(name is not None for name in named)
