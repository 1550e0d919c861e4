"""Shapes of campaigns and of the questions that people are asked by them."""

from typing import Any

from rest_framework import serializers

from consent import campaigns
from consent.models import AskingErrand, Campaign
from consent.serializers.codes import one_code, some_codes
from consent.services import Course, Whom
from consent.services.campaigns import MAX_CODES, MOST_REMIND_DAYS, MOST_REMINDERS
from consent.uses import Reach, Said, Silence, Use


class CampaignRequestSerializer(serializers.Serializer):
    """About which new text whom to ask, until when, and what silence means then."""

    notice = serializers.UUIDField()
    closes_at = serializers.DateTimeField()
    silence = one_code(Silence)
    reminders = serializers.IntegerField(min_value=0, max_value=MOST_REMINDERS, default=2)
    remind_after_days = serializers.IntegerField(
        min_value=1, max_value=MOST_REMIND_DAYS, default=21
    )
    uses = some_codes(Use)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=5), max_length=MAX_CODES, default=list
    )
    projects = serializers.ListField(
        child=serializers.UUIDField(), max_length=MAX_CODES, default=list
    )

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return {
            "notice_id": said["notice"],
            "course": Course(
                closes_at=said["closes_at"],
                silence=Silence(said["silence"]),
                reminders=said["reminders"],
                remind_after_days=said["remind_after_days"],
            ),
            "whom": Whom(
                uses=frozenset(map(Use, said["uses"])),
                territories=frozenset(said["territories"]),
                projects=said["projects"],
            ),
        }


class ExtensionSerializer(serializers.Serializer):
    """Until when answers are waited for."""

    closes_at = serializers.DateTimeField()


class CampaignSerializer(serializers.ModelSerializer):
    """A campaign, as it was prepared and as far as it is."""

    class Meta:
        model = Campaign
        fields = (
            *("id", "notice", "code", "state", "silence", "reminders", "remind_after_days"),
            *("uses", "territories", "projects", "answers", "prepared_at", "begun_at"),
            *("closes_at", "closing_at", "closed_at", "record"),
        )


class TextSerializer(serializers.Serializer):
    """How many answered in one language, and whether the new text is there in it."""

    language = serializers.CharField()
    answers = serializers.IntegerField()
    is_there = serializers.BooleanField()


class PreviewSerializer(serializers.Serializer):
    """What a campaign would do if it began now; ``unreachable`` have no address."""

    people = serializers.IntegerField()
    answers = serializers.IntegerField()
    unreachable = serializers.IntegerField()
    texts = serializers.SerializerMethodField()

    def get_texts(self, preview: campaigns.Preview) -> list[dict[str, Any]]:
        return [
            TextSerializer({"language": language, "answers": answers, "is_there": there}).data
            for language, answers, there in preview.texts
        ]


class ProgressSerializer(serializers.Serializer):
    """How far a campaign is, counted by the answers that people are asked about.

    ``people`` were asked by ``asked`` questions; ``waiting`` are still to be asked or dealt with;
    ``reached`` counts those without an answer by how far the letter got, ``said`` all by answer.
    """

    asked = serializers.IntegerField()
    people = serializers.IntegerField()
    waiting = serializers.IntegerField()
    opened = serializers.IntegerField()
    answered = serializers.IntegerField()
    reached = serializers.DictField(child=serializers.IntegerField())
    said = serializers.DictField(child=serializers.IntegerField())


class QuestionSerializer(serializers.ModelSerializer):
    """One answer that somebody is asked about anew: how they were reached, what they said."""

    id = serializers.UUIDField(source="pk")
    person = serializers.CharField(source="grant.subject.handle")
    subject = serializers.UUIDField(source="grant.subject_id")
    campaign = serializers.UUIDField(source="grant.campaign_id", allow_null=True)
    renews = serializers.UUIDField(source="grant.renews_id")
    state = serializers.CharField(source="grant.state")
    asked_at = serializers.DateTimeField(source="grant.opened_at")
    reached = serializers.CharField()
    said = serializers.CharField()

    class Meta:
        model = AskingErrand
        fields = (
            *("id", "person", "subject", "campaign", "renews", "cause", "asked_at", "state"),
            *("reached", "sent", "said"),
        )


class QuestionsQuerySerializer(serializers.Serializer):
    """Which questions: of a campaign, by how they were reached, or by what was said."""

    campaign = serializers.UUIDField(required=False)
    reached = one_code(Reach, required=False)
    said = one_code(Said, required=False)
    unreached = serializers.BooleanField(
        default=False, help_text="Only those that wait for somebody whom no letter reaches."
    )
