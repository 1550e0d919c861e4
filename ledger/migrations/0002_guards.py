"""Who may do what to the ledger's tables, and the functions that writers call."""

from pathlib import Path

from django.db import migrations

from ledger import guards
from ledger.models.vault import HOUSE_SCOPE

FUNCTIONS = Path(__file__).with_name("functions.sql").read_text()
DROP = [
    "DROP FUNCTION ledger_drop(bigint)",
    "DROP FUNCTION ledger_detach(bigint)",
    "DROP FUNCTION ledger_extend(bigint, integer)",
    "DROP FUNCTION ledger_attach(text, text, bigint, bigint)",
    "DROP FUNCTION ledger_append(text, uuid, text, text, bytea, text[], bytea[])",
    "DROP FUNCTION ledger_reserve(text, integer)",
    "DROP FUNCTION ledger_lock_scopes(uuid[])",
    "DROP FUNCTION ledger_row_digest(anyelement)",
    "DROP FUNCTION ledger_refuse_thinning()",
    "DROP FUNCTION ledger_is_needed(bigint)",
    "DROP FUNCTION ledger_refuse_transition()",
    "DROP FUNCTION ledger_refuse_second_value()",
    "DROP FUNCTION ledger_refuse_new_value()",
    "DROP FUNCTION ledger_refuse_change()",
]
# The first partitions; the sequencer makes more, as wide as MUNIMENT_PARTITION_RECORDS says.
FIRST_PARTITIONS = "SELECT ledger_extend(4194304, 2)"
BY_SEQUENCER = ("sequencer",)
ARCHIVE_MOVES = {("copied", "detached"), ("detached", "dropped")}
SCOPE_MOVES = {("live", "destroying"), ("destroying", "destroyed")}


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, "; ".join(DROP)),
        guards.insert_only("ledger_log"),
        guards.insert_only("ledger_record"),
        guards.insert_only("ledger_partition", writers=()),
        guards.insert_only("ledger_incarnation", writers=BY_SEQUENCER),
        guards.insert_only("ledger_leaf", writers=BY_SEQUENCER),
        guards.insert_only("ledger_tile", writers=BY_SEQUENCER),
        guards.insert_only("ledger_keyrecord", writers=BY_SEQUENCER),
        guards.thinned("ledger_checkpoint", writers=BY_SEQUENCER),
        guards.thinned("ledger_anchored", writers=BY_SEQUENCER),
        guards.insert_only("ledger_offer", writers=BY_SEQUENCER),
        guards.insert_only("ledger_cosignature"),
        guards.insert_only("ledger_timestamp"),
        guards.domain_table("ledger_witness"),
        guards.frozen("ledger_witness", ("name", "vkey")),
        guards.domain_table("ledger_publicationpolicy"),
        guards.grant(
            "ledger_lastanswer",
            app="SELECT, INSERT, UPDATE",
            eraser="SELECT, INSERT, UPDATE",
            auditor="SELECT",
        ),
        guards.frozen("ledger_lastanswer", ("incarnation_id", "witness_id")),
        guards.no_truncate("ledger_lastanswer"),
        guards.insert_only("ledger_epoch", writers=("eraser",)),
        guards.insert_only("ledger_tombstone", writers=("eraser",)),
        guards.grant(
            "ledger_pending",
            app="SELECT, INSERT",
            eraser="SELECT, INSERT",
            sequencer="SELECT, DELETE",
            auditor="SELECT",
        ),
        guards.no_truncate("ledger_pending"),
        guards.grant(
            "ledger_segment",
            app="SELECT, INSERT",
            eraser="SELECT, INSERT, DELETE",
            auditor="SELECT",
        ),
        guards.frozen("ledger_segment", ("record_id", "position", "scopes", "ciphertext")),
        guards.no_truncate("ledger_segment"),
        guards.grant(
            "ledger_scope",
            app="SELECT, INSERT",
            eraser="SELECT, INSERT, UPDATE (state)",
            auditor="SELECT",
        ),
        guards.transitions("ledger_scope", "state", SCOPE_MOVES, initial={"live"}),
        guards.no_truncate("ledger_scope"),
        guards.grant(
            "ledger_requestkey",
            app="SELECT, INSERT, DELETE, UPDATE (record, row)",
            eraser="SELECT, INSERT, DELETE, UPDATE (record, row)",
        ),
        guards.set_once("ledger_requestkey", ("record", "row")),
        guards.domain_table("ledger_archive"),
        guards.transitions("ledger_archive", "state", ARCHIVE_MOVES, initial={"copied"}),
        guards.frozen("ledger_archive", ("partition_id", "records", "manifest", "copied_at")),
        guards.insert_only("ledger_archivedtree"),
        guards.domain_table("ledger_observation"),
        guards.frozen("ledger_observation", ("name",)),
        guards.domain_table("ledger_issuedreport"),
        guards.transitions(
            "ledger_issuedreport", "state", {("ordered", "issued")}, initial={"ordered"}
        ),
        guards.frozen("ledger_issuedreport", ("incarnation_id", "first", "end", "ordered_at")),
        guards.grant(
            "ledger_sealedfile",
            app="SELECT, INSERT",
            eraser="SELECT, INSERT, DELETE",
            auditor="SELECT",
        ),
        migrations.RunSQL(
            f"INSERT INTO ledger_scope (id, retention, state) "
            f"VALUES ('{HOUSE_SCOPE}', 'house', 'live')",
            f"DELETE FROM ledger_scope WHERE id = '{HOUSE_SCOPE}'",
        ),
        # Behind all guards, which partitions take over.
        migrations.RunSQL(FIRST_PARTITIONS, migrations.RunSQL.noop),
    ]
