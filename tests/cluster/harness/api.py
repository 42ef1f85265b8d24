"""A small client of the Kubernetes API: apply, read, list, with the names of resources from discovery."""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from scaffold.model.yamltext import parse

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def objects(text: str) -> list[Object]:
    """Return the objects of a YAML text, read as Kubernetes reads it."""
    documents, faults = parse(text)
    assert not faults, faults
    return [document.data for document in documents]


class Refused(AssertionError):
    """The API server's answer to something it does not take."""

    def __init__(self, status: int, message: str, causes: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.causes = causes


class Api:
    """One API server, one user, one connection, which threads use in turn."""

    def __init__(self, server: str, token: str, authority: Path) -> None:
        self.server = server
        self.token = token
        tls = ssl.create_default_context(cafile=str(authority))
        self._turn = threading.Lock()
        self._connection = http.client.HTTPSConnection(urlsplit(server).netloc, context=tls, timeout=60)
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    def ask(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        """Send one request, a text as it is; return the parsed answer, or raise Refused.

        Where the server says that it is too early, such as while the storage of a new kind starts, it is asked again
        when it says.
        """
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, "Accept": "application/json"}
        with self._turn:
            try:
                answer, text = self._exchange(method, path, data, headers)
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may have been closed by the server meanwhile.
                self._connection.close()
                answer, text = self._exchange(method, path, data, headers)
        if answer.status == http.HTTPStatus.TOO_MANY_REQUESTS and "Retry-After" in answer.headers:
            time.sleep(float(answer.headers["Retry-After"]))
            return self.ask(method, path, body, kind)
        if answer.status >= 400:
            try:
                said = json.loads(text)
                message, causes = said["message"], (said.get("details") or {}).get("causes") or ()
            except (ValueError, KeyError, TypeError):
                message, causes = text, ()
            raise Refused(answer.status, message, causes)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ready(self) -> bool:
        """Say whether the server is ready."""
        try:
            return bool(self.ask("GET", "/readyz") == "ok")
        except Refused:
            return False

    def path(self, api_version: str, kind: str, namespace: str = "", name: str = "") -> str:
        """Return the path of an object, or of all of a kind (in a namespace)."""
        plural, namespaced = self._resource(api_version, kind)
        root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        where = f"/namespaces/{namespace or 'default'}" if namespaced and (namespace or name) else ""
        return f"{root}{where}/{plural}" + (f"/{name}" if name else "")

    def apply(self, item: Object, *, dry_run: bool = False, manager: str = "tests") -> Object:
        """Apply an object server-side, unknown and duplicate fields being errors."""
        asked = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true"}
        if dry_run:
            asked["dryRun"] = "All"
        found: Object = self.ask("PATCH", f"{self._path_of(item)}?{urlencode(asked)}", item, APPLY)
        return found

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None where it (or its kind) does not exist."""
        try:
            found: Object = self.ask("GET", self.path(api_version, kind, namespace, name))
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return found

    def list(self, api_version: str, kind: str, namespace: str = "", **query: str) -> list[Object]:
        """Return all objects of a kind; none where the kind does not exist."""
        try:
            found = self.ask("GET", self.path(api_version, kind, namespace) + (f"?{urlencode(query)}" if query else ""))
        except Refused as error:
            if error.status == 404:
                return []
            raise
        items: list[Object] = found["items"]
        return items

    def patch(self, item: Object, change: Mapping[str, Any], part: str = "") -> Object:
        """Change fields of an object, or of its status (``part`` "/status")."""
        found: Object = self.ask("PATCH", self._path_of(item) + part, change, MERGE)
        return found

    def _path_of(self, item: Object) -> str:
        meta = item["metadata"]
        return self.path(item["apiVersion"], item["kind"], meta.get("namespace", ""), meta["name"])

    def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        if kind not in self._resources.get(api_version, {}):
            root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
            found = self.ask("GET", root)["resources"]
            self._resources[api_version] = {
                one["kind"]: (one["name"], one["namespaced"]) for one in found if "/" not in one["name"]
            }
        if kind not in self._resources[api_version]:
            raise Refused(404, f"no {kind} in {api_version}")
        return self._resources[api_version][kind]

    def _exchange(
        self, method: str, path: str, data: str | bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        return answer, answer.read().decode()
