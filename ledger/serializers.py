"""What the API says of records: shapes only."""

from typing import Any

from rest_framework import serializers

from ledger.standing import RecordState


class RecordSerializer(serializers.Serializer[Any]):
    """One record: what it says in the open, and where it stands."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[(state.value, state.value) for state in RecordState])
    kind = serializers.CharField()
    at = serializers.CharField(help_text="UTC, cut to the minute or hour.")
    facts = serializers.DictField(help_text="As the kind's JSON Schema describes.")
    origin = serializers.CharField(allow_null=True, help_text="Null while the record waits.")
    index = serializers.IntegerField(allow_null=True, help_text="Number in the log, from 0.")
    leaf = serializers.CharField(
        allow_null=True, help_text="The exact text that the proof is about, once published."
    )


class KindSerializer(serializers.Serializer[Any]):
    """One kind of record and the JSON Schema of its facts."""

    name = serializers.CharField()
    cut = serializers.ChoiceField(choices=["minute", "hour"])
    facts = serializers.DictField(help_text="JSON Schema, draft 2020-12.")
    open = serializers.BooleanField(help_text="Whether programs may append such records.")


class BatchAnswerSerializer(serializers.Serializer[Any]):
    """The records that a batch became."""

    records = serializers.ListField(
        child=serializers.UUIDField(), help_text="Their ids, in the order of the lines."
    )
