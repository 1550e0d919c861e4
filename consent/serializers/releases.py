"""Shapes of old releases that are brought in."""

import json
from typing import Any

from django.db.models import Count, Func
from rest_framework import serializers

from consent.models import LineStanding, ReleaseImport, ReleaseLine
from consent.releases.snags import ACCEPTABLE, sentence
from consent.releases.stating import Said
from consent.releases.table import ENCODINGS
from consent.releases.words import CODES, fold_word
from consent.serializers.codes import some_codes
from consent.uses import Basis, Medium, Remedy, Use


class WordSerializer(serializers.Serializer):
    """What a word in the table means: of uses, media, territories or themes."""

    what = serializers.ChoiceField(sorted(CODES))
    word = serializers.CharField(max_length=200)
    means = serializers.ListField(child=serializers.CharField(max_length=32), max_length=250)


class SaidSerializer(serializers.Serializer):
    """How a table is to be read; what is said here holds for lines that say nothing themselves."""

    mapping = serializers.DictField(
        child=serializers.CharField(max_length=40),
        default=dict,
        help_text="What columns mean, by their names, where that is not as it was guessed.",
    )
    day_first = serializers.BooleanField(allow_null=True, default=None)
    region = serializers.CharField(max_length=2, default="", allow_blank=True)
    uses = some_codes(Use)
    media = some_codes(Medium)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=5), max_length=250, default=list
    )
    term = serializers.CharField(max_length=40, default="", allow_blank=True)
    basis = serializers.ChoiceField([Basis.CONSENT.value, Basis.CONTRACT.value], default="consent")
    remedy = serializers.ChoiceField(
        [one.value for one in Remedy], default=Remedy.STOP_NEW_USE.value
    )
    words = WordSerializer(many=True, default=list)

    def as_said(self) -> Said:
        """Return the validated content as the services take it."""
        said = dict(self.validated_data)
        said["words"] = {
            f"{one['what']}:{fold_word(one['word'])}": one["means"] for one in said["words"]
        }
        return Said.parse(said)


class WrittenSerializer(serializers.Serializer):
    """How the table in the body is written."""

    encoding = serializers.ChoiceField(ENCODINGS, default=ENCODINGS[0])


class BringingSerializer(WrittenSerializer):
    """To which notice the releases were given, and how the table in the body is written."""

    notice = serializers.UUIDField(
        required=False, help_text="Left out: the wording is on the papers only."
    )
    said = serializers.CharField(
        required=False, max_length=100_000, help_text="JSON, as for `explain`."
    )

    def validate_said(self, text: str) -> Said:
        try:
            said = json.loads(text)
            json.dumps(said, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError("said is no JSON") from error
        if not isinstance(said, dict):
            raise serializers.ValidationError("said must be an object")
        asked = SaidSerializer(data=said)
        asked.is_valid(raise_exception=True)
        return asked.as_said()


class WaitingSerializer(serializers.Serializer):
    """Why lines wait, in words, and how many."""

    reason = serializers.CharField()
    words = serializers.CharField()
    lines = serializers.IntegerField()
    acceptable = serializers.BooleanField()


class ReleaseImportSerializer(serializers.ModelSerializer):
    """An import of old releases, and how far it is."""

    ready = serializers.SerializerMethodField()
    unread = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField()
    is_worked_on = serializers.SerializerMethodField()
    scans_not_named = serializers.SerializerMethodField()

    class Meta:
        model = ReleaseImport
        fields = (
            *("id", "notice", "state", "line_count", "ready", "unread", "waiting"),
            *("taken_count", "dropped_count", "is_worked_on", "scans_not_named"),
            *("received_at", "closed_at", "record"),
        )

    def get_ready(self, row: ReleaseImport) -> int:
        return row.lines.filter(state=LineStanding.READY).count()

    def get_unread(self, row: ReleaseImport) -> int:
        return row.lines.filter(state=LineStanding.UNREAD).count()

    def get_waiting(self, row: ReleaseImport) -> list[dict[str, Any]]:
        return waiting_lines(row)

    def get_is_worked_on(self, row: ReleaseImport) -> bool:
        return hasattr(row, "errand")

    def get_scans_not_named(self, row: ReleaseImport) -> int:
        return row.scans.unclaimed().count()


def waiting_lines(row: ReleaseImport) -> list[dict[str, Any]]:
    """Return why lines of an import wait, most frequent first."""
    waiting = row.lines.filter(state=LineStanding.WAITING)
    reasons = waiting.annotate(reason=Func("reasons", function="unnest"))
    counted = reasons.order_by().values_list("reason").annotate(lines=Count("pk"))
    return [
        {
            "reason": reason,
            "words": sentence(reason),
            "lines": lines,
            "acceptable": reason in ACCEPTABLE,
        }
        for reason, lines in sorted(counted, key=lambda one: (-one[1], one[0]))
    ]


class ReasonOfSerializer(serializers.Serializer):
    """One reason for which lines wait; for turning away also all, when none is named."""

    reason = serializers.CharField(max_length=40, default="", allow_blank=True)


class LinesSerializer(serializers.Serializer):
    """To how many lines something was done."""

    lines = serializers.IntegerField()


class DecidingSerializer(serializers.Serializer):
    """Who a line speaks of; nobody who is known, when no person is given."""

    subject = serializers.UUIDField(allow_null=True)
    guardian = serializers.BooleanField(
        default=False, help_text="Whether it is said of the guardian."
    )


class ReleaseLineSerializer(serializers.ModelSerializer):
    """A line that is not taken in yet; what it says is sealed."""

    class Meta:
        model = ReleaseLine
        fields = ("id", "ordinal", "state", "reasons")


class UnclearSerializer(serializers.Serializer):
    """A line of which it is not known who is meant, and whom it may be, by handle."""

    line = ReleaseLineSerializer()
    perhaps = serializers.SerializerMethodField()
    guardian_perhaps = serializers.SerializerMethodField()

    def get_perhaps(self, row: Any) -> list[dict[str, str]]:
        return [{"subject": str(one.pk), "handle": one.handle} for one in row.perhaps]

    def get_guardian_perhaps(self, row: Any) -> list[dict[str, str]]:
        return [{"subject": str(one.pk), "handle": one.handle} for one in row.guardian_perhaps]
