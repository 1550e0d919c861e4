"""Who may do what in the keystore: one role inserts and reads, another also deletes."""

from django.db import migrations

from ledger import guards


class Migration(migrations.Migration):
    dependencies = [("keystore", "0001_initial")]

    operations = [
        guards.grant(
            "keystore_datakey",
            sealer="SELECT, INSERT",
            destroyer="SELECT, INSERT, DELETE",
        ),
        # The sealer reads the lists, so that verification tells destroying from missing.
        guards.grant("keystore_shredlist", sealer="SELECT", destroyer="SELECT, INSERT, DELETE"),
    ]
