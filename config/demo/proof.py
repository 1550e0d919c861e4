"""What the story proves, checked from outside: the report, the log, and a copy tampered with."""

import json
from typing import Any

from config.demo import cast
from config.demo.story import Story, StoryBroken
from ledger.models import Log
from ledger.reports.archive import write_archive
from ledger.signing import read_verifiers
from ledger.verification import verify_log
from ledger.verifier.archive import read_archive
from ledger.verifier.bundle import LEAVES
from ledger.verifier.findings import Findings
from ledger.verifier.verify import Verdict, verify_bundle


def verify(story: Story) -> None:
    """Verify the report without and with the policy from outside, and the log in the database."""
    bundle = story.out / "report.zip"
    alone, authenticated = verify_bundle(bundle), verify_bundle(bundle, policy=story.policy)
    if alone.findings or authenticated.findings:
        raise StoryBroken(f"the report does not verify: {alone.findings + authenticated.findings}")
    story.told.proved += [
        ("report alone", _first_words(alone)),
        ("report with the policy", _first_words(authenticated)),
        ("statements in it", _positions(authenticated)),
    ]
    verdict = verify_log(Log.objects.get(name="default"))
    if verdict.findings:
        raise StoryBroken(f"the log is not sound: {[str(each) for each in verdict.findings]}")
    segments = ", ".join(f"{count} {what}" for what, count in sorted(verdict.segments.items()))
    story.told.proved.append(("log in the database", f"sound: {verdict.size} records, {segments}"))


def tamper(story: Story) -> None:
    """Change one letter in a copy of the report, and let the verifier name the leaf.

    As a careful forger would: the ZIP file around it is made anew, with right checksums.
    """
    copy = story.out / "tampered-report.zip"
    files = read_archive((story.out / "report.zip").read_bytes(), Findings())
    assert files is not None
    changed = bytearray(files[LEAVES])
    # A run that was refused; its leaf is JSON text inside a JSON line, hence the backslashes.
    refusal = rb"\"outcome\":\"refused"
    changed[changed.index(refusal) + len(refusal) - 1] ^= 1
    copy.write_bytes(write_archive(files | {LEAVES: bytes(changed)}))
    found = verify_bundle(copy, policy=story.policy).findings
    places = [finding for finding in found if finding.index is not None]
    if not places:
        raise StoryBroken(f"the tampered leaf was not found, only {[str(each) for each in found]}")
    story.told.proved.append(("one letter changed", str(places[0])))


def write_story(story: Story) -> None:
    """Write ``story.json``: for programs that check what the chain may not hold."""
    from generation.c2pa import ensure_certificates

    told, origin = story.told, story.policy.logs[0].verifier.name
    root = story.out / "c2pa-root.pem"
    root.write_text(ensure_certificates().read_text())
    prompts = {wish.prompt: wish.depicts for wish in (*cast.WISHES, cast.AFTER_WITHDRAWAL)}
    people = [
        {
            "key": person.key,
            "values": [person.name, person.email, str(told.subjects[person.key].pk)]
            + [str(told.grants[person.key].pk)]
            + [prompt for prompt, depicts in prompts.items() if person.key in depicts],
            "erased": person.key == "mara",
        }
        for person in cast.PEOPLE
    ]
    staff = [
        {
            "key": one.key,
            "values": [one.name, one.email, str(story.house.accounts[one.key].pk)],
            "erased": False,
        }
        for one in (*cast.FOUNDERS, *cast.STAFF)
    ]
    content: dict[str, Any] = {
        "invented": True,
        "people": people + staff,
        "prompts": sorted(prompts),
        "erased": ["mara"],
        "images": told.images,
        "impact": told.impact,
        "bundles": ["report.zip"],
        "log": {
            "name": "default",
            "origin": origin,
            "vkey": read_verifiers(origin)[0].vkey,
        },
        "c2pa_root": root.name,
    }
    (story.out / "story.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _first_words(verdict: Verdict) -> str:
    return verdict.headline.partition(" log.")[0] + f", {verdict.rests_on}"


def _positions(verdict: Verdict) -> str:
    counts = verdict.positions.count()
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)
