"""The tables that benchmarks write to."""

import uuid

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from ledger import guards

_COLUMNS = [
    (
        "id",
        models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
    ),
    ("record", models.UUIDField(editable=False, null=True)),
    ("code", models.SlugField(unique=True)),
]


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("auditlog", "__latest__"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Thing",
            fields=[
                _COLUMNS[0],
                (
                    "record",
                    models.UUIDField(
                        editable=False,
                        help_text="The newest record of this row.",
                        null=True,
                    ),
                ),
                _COLUMNS[2],
            ],
            options={"abstract": False},
        ),
        migrations.CreateModel(
            name="Historied", fields=list(_COLUMNS), options={"abstract": False}
        ),
        migrations.CreateModel(name="Audited", fields=list(_COLUMNS), options={"abstract": False}),
        # No key, no index: what PostgreSQL itself takes in, and no more.
        migrations.RunSQL(
            "CREATE TABLE bench_bare (body bytea NOT NULL, ciphertext bytea)",
            "DROP TABLE bench_bare",
        ),
        migrations.CreateModel(
            name="HistoricalHistoried",
            fields=[
                ("id", models.UUIDField(db_index=True, default=uuid.uuid4, editable=False)),
                ("record", models.UUIDField(editable=False, null=True)),
                ("code", models.SlugField()),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical historied",
                "verbose_name_plural": "historical historieds",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Listed",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("url", models.TextField()),
                ("sha256", models.TextField()),
                ("license", models.TextField()),
                ("legal_basis", models.TextField()),
                ("width", models.IntegerField()),
                ("height", models.IntegerField()),
            ],
        ),
        *(
            guards.domain_table(table)
            for table in (
                "bench_listed",
                "bench_thing",
                "bench_historied",
                "bench_historicalhistoried",
                "bench_audited",
                "bench_bare",
                "auditlog_logentry",
            )
        ),
    ]
