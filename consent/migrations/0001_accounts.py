"""Accounts stand alone at first: what third parties migrate of theirs is drawn with few tables.

Django draws all that is related to an account anew for each of their operations.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import ledger.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [("ledger", "0003_verificationrun")]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "record",
                    models.UUIDField(
                        editable=False,
                        help_text="The newest record of this row.",
                        null=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("person", "person"), ("client", "program")], max_length=10
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("active", "Active"),
                            ("ended", "Ended"),
                        ],
                        default="proposed",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("name", ledger.fields.SealedField()),
                ("email", ledger.fields.SealedField(null=True)),
                (
                    "email_index",
                    ledger.fields.DigestField(
                        help_text="Blind index of the address.",
                        null=True,
                        unique=True,
                        verbose_name="e-mail address",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scope",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.scope",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["client", "person"])),
                        name="account_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "proposed"), ("approved_by__isnull", False), _connector="OR"
                        ),
                        name="account_let_in_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                            models.Q(("approved_by", models.F("id")), _negated=True),
                        ),
                        name="account_let_in_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("email__isnull", False),
                                ("email_index__isnull", False),
                                ("kind", "person"),
                            ),
                            models.Q(
                                ("email__isnull", True),
                                ("email_index__isnull", True),
                                ("kind", "client"),
                            ),
                            _connector="OR",
                        ),
                        name="account_person_has_address",
                    ),
                ]
            },
        ),
    ]
