"""When each log was last checked: written by the worker, which also forgets old rows."""

import django.db.models.deletion
from django.db import migrations, models

from ledger import guards


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="VerificationRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("size", models.BigIntegerField(verbose_name="records checked")),
                ("rows", models.BigIntegerField(verbose_name="rows joined")),
                ("is_sound", models.BooleanField(verbose_name="sound")),
                ("is_openness_checked", models.BooleanField(verbose_name="sealed parts checked")),
                (
                    "segments",
                    models.TextField(help_text="JSON: how many segments are open, destroyed, …"),
                ),
                (
                    "days",
                    models.TextField(
                        help_text="JSON: records of each of the last days, by family."
                    ),
                ),
                (
                    "findings",
                    models.TextField(help_text="JSON: the first findings, each with its place."),
                ),
                ("finding_count", models.PositiveIntegerField(verbose_name="findings in all")),
                (
                    "log",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checks",
                        to="ledger.log",
                    ),
                ),
            ],
            options={
                "verbose_name": "check",
                "indexes": [models.Index(fields=["log", "-ended_at"], name="check_newest")],
            },
        ),
        guards.grant(
            "ledger_verificationrun",
            app="SELECT, INSERT",
            eraser="SELECT, INSERT, DELETE",
            auditor="SELECT",
        ),
        guards.no_truncate("ledger_verificationrun"),
        guards.frozen(
            "ledger_verificationrun",
            ("log_id", "started_at", "ended_at", "size", "is_sound", "findings", "finding_count"),
        ),
    ]
