"""Who may do what in the keystore: one role inserts and reads, another also deletes and re-wraps."""

from django.db import migrations

from ledger import guards
from ledger.keystore.encryption import FIRST_KEY


class Migration(migrations.Migration):
    dependencies = [("keystore", "0001_initial")]

    operations = [
        guards.grant(
            "keystore_datakey",
            sealer="SELECT, INSERT",
            destroyer="SELECT, INSERT, DELETE, UPDATE (encryption_key_id, wrapped)",
        ),
        guards.grant("keystore_encryptionkey", sealer="SELECT", destroyer="SELECT, INSERT, DELETE"),
        migrations.RunSQL(
            f"INSERT INTO keystore_encryptionkey (id) VALUES ('{FIRST_KEY}')",
            f"DELETE FROM keystore_encryptionkey WHERE id = '{FIRST_KEY}'",
        ),
        # The sealer reads the lists, so that verification tells destroying from missing.
        guards.grant("keystore_shredlist", sealer="SELECT", destroyer="SELECT, INSERT, DELETE"),
    ]
