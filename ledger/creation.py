"""The operation of an app's first migration: all its tables at once."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import CreateModel
from django.db.migrations.state import ProjectState


class CreateTables(Operation):
    """Create the tables of a first migration, each as it is when all its operations are through.

    Django draws every related model anew for each operation, and nearly all of ours are related:
    one by one they took most of the time of a first start. Here models are drawn once.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Carry all operations out on a state whose models are not drawn; they are when asked."""
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,
    ) -> None:
        """Create the tables; what refers to a later one is added when all are there."""
        for model in self._models(app_label, schema_editor, to_state):
            schema_editor.create_model(model)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        """Drop the tables, the last one first."""
        for model in reversed(self._models(app_label, schema_editor, from_state)):
            schema_editor.delete_model(model)

    def describe(self) -> str:
        """Return what a plan of migrations says of it."""
        return "Create all tables"

    def _models(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> list[Any]:
        names = [one.name for one in self.operations if isinstance(one, CreateModel)]
        models = [state.apps.get_model(app_label, name) for name in names]
        alias = schema_editor.connection.alias
        return [model for model in models if self.allow_migrate_model(alias, model)]
