"""Plain columns hold random ids, keys, states, enumerations, numbers and times; the rest is sealed.

A column that is none of these stands below with its reason, or is sealed. Design, section 6.
"""

from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from ledger.fields import DigestField, SealedField

HARMLESS = (
    models.UUIDField,
    models.ForeignKey,
    models.IntegerField,
    models.BigIntegerField,
    models.BooleanField,
    models.DateField,
    models.DateTimeField,
)

ALLOWED = {
    "account.password": "Django's own salted hash; useless to whoever reads it",
    "account.email_index": "blind index: keyed, deleted with the row",
    "subject.handle": "random",
    "searchkey.key": "blind index: keyed, deleted with the row",
    "project.code": "chosen by an administrator and said never to be a person's name",
    "dataset.code": "chosen by staff and said never to be a person's name",
    "notice.code": "public",
    "notice.language": "public",
    "notice.title": "public: shown to everybody who is asked",
    "notice.text": "public: shown to everybody who is asked",
    "notice.digest": "digest of a public text",
    "campaign.code": "that of a public notice",
    "campaign.territories": "codes of countries, checked against a pattern",
    "grant.territories": "codes of countries, checked against a pattern",
    "grant.recipients": "codes of organisations, said never to be a person's name",
    "grant.families": "codes of model families",
    "signalfinding.code": "a code",
    "sourceobservation.index": "blind index: keyed",
    "sourceobservation.place": "blind index: keyed",
    "sourceobservation.content": "blind index: keyed",
    "datasetversion.digest": "published; a root over hiding commitments",
    "datasetversion.house_places": "over hiding commitments and random ids",
    "datasetversion.house_root": "a root over hiding commitments",
    "datasetversion.profile": "name and version of a rules file",
    "versionpage.commitments": "hiding: nothing without the sealed salts",
    "versionpage.root": "a root over hiding commitments",
    "recipient.code": "chosen by staff and said never to be a person's name",
    "source.code": "chosen by staff and said never to be a person's name",
    "intake.fingerprint": "blind index: keyed",
    "entity.index": "blind index: keyed",
    "item.commitment": "hiding: nothing without the sealed salt",
    "item.fingerprint": "blind index: keyed, deleted with the row",
    "item.licence": "an SPDX identifier, checked against a list",
    "quarantined.reasons": "codes",
    "vetting.detector": "name and version of a program",
    "vetting.hasher": "name and version of a program",
    "vettingfinding.mark": "blind index: keyed",
    "anonymisation.tool": "name and version of a program",
    "anonymisation.detector": "name and version of a program",
    "releaseimport.fingerprint": "blind index: keyed",
    "releaseline.reasons": "codes",
    "releaseline.accepted": "codes",
    "releaseline.mark": "blind index: keyed, deleted with the row",
    "releaseline.keys": "blind indexes: keyed, deleted with the row",
    "releaseline.claims": "blind indexes: keyed, deleted with the row",
    "broughtscan.index": "blind index: keyed, deleted with the row",
    "broughtscan.short_index": "blind index: keyed, deleted with the row",
    "broughtscan.content": "blind index: keyed, deleted with the row",
    "broughtscan.trouble": "a code",
    "oldrelease.mark": "blind index: keyed, deleted with the row",
    "oldrelease.papers": "blind indexes: keyed, deleted with the row",
    "linkerrand.address_index": "blind index: keyed, deleted once the letters are sent",
    "portallink.token_digest": "digest of 256 random bits, deleted within the hour",
    "portalvisit.key_digest": "digest of 256 random bits, deleted within the day",
    "privacyrequest.profile": "name and version of a rules file",
    "plan.digest": "over random ids only",
    "step.holding": "name of a holding, from the code",
}


def is_harmless(field: Any) -> bool:
    if isinstance(field, ArrayField):
        return is_harmless(field.base_field)
    return isinstance(field, (*HARMLESS, SealedField)) or bool(field.choices)


def test_every_plain_column_is_harmless_or_listed_with_a_reason() -> None:
    found = {
        f"{model._meta.model_name}.{field.name}"
        for model in apps.get_app_config("consent").get_models()
        for field in model._meta.concrete_fields
        if not is_harmless(field)
    }
    assert found == set(ALLOWED)


def test_digests_of_files_are_not_stored_plain() -> None:
    item = apps.get_model("consent", "Item")
    digests = {f.name for f in item._meta.concrete_fields if isinstance(f, DigestField)}
    assert digests == {"commitment", "fingerprint"}
