"""The write path of the cluster in memory: from a request to a stored version, or to an error.

Synchronous from the first read to the last write, so nothing can come between. The order is that
of an API server: precondition, defaults, admission, generation, checks, owners of fields, store.
Called by `memory.MemoryCluster`; knows no loop and no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from controller.api.meta import Key
from controller.api.resources import NAMESPACES, PODS, Resource
from controller.kube import memory_rules as rules
from controller.kube import memory_schema as schema
from controller.kube.memory_admission import Admission, AdmissionRequest, Operation, admit
from controller.kube.memory_births import Actor, Births, Write
from controller.kube.memory_collect import Collector
from controller.kube.memory_defaults import with_defaults
from controller.kube.memory_ownership import (
    Manager,
    Managers,
    after_update,
    apply_body,
    field_set,
)
from controller.kube.memory_patch import PatchFailed, copy_json, same_json
from controller.kube.memory_store import Store, Stored
from controller.kube.port import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, Propagation

Body = dict[str, Any]


class Server:
    """Carries out writes, one after the other."""

    def __init__(self, now: Callable[[], datetime], admission: Sequence[Admission] = ()) -> None:
        self.store = Store()
        self.journal: list[Write] = []
        self.admission = list(admission)
        self._collector = Collector(self.store, now)
        self._births = Births(now)

    def existing(self, resource: Resource[Any], key: Key) -> Stored:
        """The object, or NotFound."""
        found = self.store.get(resource, key)
        if found is None:
            raise NotFound(404, "NotFound", f'{resource} "{key.name}" not found')
        return found

    def create(
        self, actor: Actor, resource: Resource[Any], namespace: str, body: Mapping[str, Any]
    ) -> Stored:
        """POST."""
        return self._create(
            actor, resource, namespace, body, Manager(actor.manager, "Update"), "create"
        )

    def update(
        self,
        actor: Actor,
        resource: Resource[Any],
        key: Key,
        change: Callable[[Body], Body],
        *,
        subresource: str = "",
        dry_run: bool = False,
        verb: str = "patch",
    ) -> Stored:
        """PATCH or PUT: `change` makes the proposed body of the present one."""
        old = self.existing(resource, key)
        try:
            proposed = change(copy_json(old.body))
        except PatchFailed as error:
            raise Invalid(422, "Invalid", str(error)) from error
        before: Body = dict(old.body)
        rules.check_preconditions(resource, key, before, proposed)
        wanted = rules.counted(resource, before, proposed, subresource)
        filled = with_defaults(resource, wanted)
        body = self._admitted(actor, resource, key, old, filled, subresource, dry_run)
        writer = Manager(actor.manager, "Update", subresource)
        managers = after_update(resource, before, body, old.managers, writer)
        note = Write(actor.user, verb, str(resource), key, subresource, dry_run=dry_run)
        return self._finish(note, resource, old, body, managers)

    def apply(
        self,
        actor: Actor,
        resource: Resource[Any],
        key: Key,
        body: Mapping[str, Any],
        *,
        force: bool = True,
        dry_run: bool = False,
    ) -> Stored:
        """Server-side apply."""
        writer = Manager(actor.manager, "Apply")
        old = self.store.get(resource, key)
        if old is None:
            named = {**body, "metadata": {**(body.get("metadata") or {}), "name": key.name}}
            return self._create(actor, resource, key.namespace, named, writer, "apply")
        before: Body = dict(old.body)
        rules.check_preconditions(resource, key, before, dict(body))
        clean = {name: value for name, value in body.items() if name not in ("apiVersion", "kind")}
        if schema.has_status(resource):
            clean.pop("status", None)
        made = apply_body(resource, before, clean, old.managers, writer)
        if made.clashes and not force:
            listed = "\n".join(str(clash) for clash in made.clashes)
            raise Conflict(409, "Conflict", f"Apply failed with conflicts:\n{listed}")
        filled = with_defaults(resource, rules.counted(resource, before, made.body, ""))
        final = self._admitted(actor, resource, key, old, filled, "", dry_run)
        mutator = Manager(actor.manager, "Update")
        managers = after_update(resource, filled, final, made.managers, mutator)
        note = Write(actor.user, "apply", str(resource), key, dry_run=dry_run)
        return self._finish(note, resource, old, final, managers)

    def delete(
        self,
        actor: Actor,
        resource: Resource[Any],
        key: Key,
        *,
        uid: str = "",
        propagation: Propagation = "Background",
        grace_s: int | None = None,
    ) -> None:
        """DELETE: at once, or marked and finished when finalizers and grace allow."""
        old = self.existing(resource, key)
        if uid and uid != old.uid:
            raise Conflict(409, "Conflict", f'{resource} "{key.name}" has uid {old.uid}, not {uid}')
        request = AdmissionRequest("DELETE", resource, key, actor.user, None, old.body)
        admit(request, self.admission)
        self.journal.append(Write(actor.user, "delete", str(resource), key))
        self._collector.delete(resource, key, propagation, grace_s)

    def bind(self, actor: Actor, key: Key, node: str) -> Stored:
        """POST of `pods/NAME/binding`: a pod is given to a node once."""

        def bound(body: Body) -> Body:
            if body["spec"].get("nodeName"):
                raise Conflict(409, "Conflict", f'pod "{key.name}" is already assigned to a node')
            body["spec"]["nodeName"] = node
            return body

        return self.update(actor, PODS, key, bound, verb="bind")

    def _create(
        self,
        actor: Actor,
        resource: Resource[Any],
        namespace: str,
        body: Mapping[str, Any],
        writer: Manager,
        verb: str,
    ) -> Stored:
        asked = body.get("metadata") or {}
        name = asked.get("name") or self._births.name(asked.get("generateName"))
        key = Key(namespace if resource.namespaced else "", str(name))
        rules.check_name(resource, key.name)
        self._check_place(resource, key)
        made = rules.newborn(resource, body)
        managers: Managers = {writer: field_set(resource, made)} if verb == "apply" else {}
        made["metadata"] |= self._births.metadata(key)
        if schema.has_generation(resource):
            made["metadata"]["generation"] = 1
        if resource.plural == "services" and made.get("spec", {}).get("type") != "ExternalName":
            made.setdefault("spec", {}).setdefault("clusterIP", self._births.cluster_ip())
        filled = with_defaults(resource, made)
        final = self._admitted(actor, resource, key, None, filled, "", False)
        rules.check_content(resource, None, final)
        if verb == "create":
            managers = {writer: field_set(resource, final)}
        stored = self.store.put(resource, key, final, managers)
        self.journal.append(Write(actor.user, verb, str(resource), key))
        self._collector.settle(resource, key)
        return stored

    def _check_place(self, resource: Resource[Any], key: Key) -> None:
        if self.store.get(resource, key) is not None:
            raise AlreadyExists(409, "AlreadyExists", f'{resource} "{key.name}" already exists')
        if not resource.namespaced:
            return
        home = self.store.get(NAMESPACES, Key("", key.namespace))
        if home is None:
            raise NotFound(404, "NotFound", f'namespaces "{key.namespace}" not found')
        if home.metadata.get("deletionTimestamp"):
            raise Forbidden(
                403,
                "Forbidden",
                f'{resource} "{key.name}" is forbidden: unable to create new content in namespace'
                f" {key.namespace} because it is being terminated",
            )

    def _admitted(
        self,
        actor: Actor,
        resource: Resource[Any],
        key: Key,
        old: Stored | None,
        body: Body,
        subresource: str,
        dry_run: bool,
    ) -> Body:
        operation: Operation = "CREATE" if old is None else "UPDATE"
        request = AdmissionRequest(
            operation,
            resource,
            key,
            actor.user,
            body,
            old.body if old else None,
            subresource,
            dry_run,
        )
        answer = admit(request, self.admission).object
        return body if answer is body else with_defaults(resource, copy_json(answer))

    def _finish(
        self,
        note: Write,
        resource: Resource[Any],
        old: Stored,
        body: Body,
        managers: Managers,
    ) -> Stored:
        before: Body = dict(old.body)
        rules.check_content(resource, before, body)
        rules.renew_generation(resource, before, body, note.subresource)
        changed = managers != old.managers or not same_json(before, body)
        self.journal.append(
            Write(
                note.user,
                note.verb,
                note.resource,
                note.key,
                note.subresource,
                changed,
                note.dry_run,
            )
        )
        if note.dry_run:
            return Stored(body, managers)
        if not changed:
            return old
        stored = self.store.put(resource, note.key, body, managers)
        self._collector.settle(resource, note.key)
        return stored
