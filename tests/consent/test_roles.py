from consent.roles import EXCLUSIVE, ROLES, AccountKind, RoleCode, excluded_by


def test_every_role_is_described() -> None:
    assert set(ROLES) == set(RoleCode)
    assert all(
        role.about.endswith(".") and role.levels and role.permissions for role in ROLES.values()
    )


def test_a_star_stands_for_any_noun_of_that_verb_only() -> None:
    auditor = ROLES[RoleCode.AUDITOR]
    assert auditor.allows("consent.view_grant")
    assert not auditor.allows("consent.give_grant")
    assert not auditor.allows("other.view_grant")


def test_who_plans_never_approves() -> None:
    both = {"consent.plan_request", "consent.approve_plan"}
    for role in ROLES.values():
        assert not all(role.allows(permission) for permission in both)
    assert frozenset({RoleCode.OFFICER, RoleCode.APPROVER}) in EXCLUSIVE


def test_the_auditor_changes_nothing() -> None:
    reading = ("consent.view_*", "generation.view_*", "ledger.view_*", "ledger.read_log")
    assert ROLES[RoleCode.AUDITOR].permissions == reading


def test_who_lets_people_in_decides_nothing_about_content() -> None:
    administrator = ROLES[RoleCode.USER_ADMINISTRATOR]
    for permission in ("consent.give_grant", "generation.decide_case", "consent.approve_plan"):
        assert not administrator.allows(permission)


def test_only_programs_generate() -> None:
    holders = [role for role in ROLES.values() if role.allows("generation.authorise_run")]
    assert [role.kinds for role in holders] == [frozenset({AccountKind.CLIENT})]


def test_exclusion_works_both_ways() -> None:
    assert excluded_by(RoleCode.APPROVER, frozenset({RoleCode.OFFICER, RoleCode.MANAGER})) == {
        RoleCode.OFFICER
    }
    assert excluded_by(RoleCode.OFFICER, frozenset({RoleCode.APPROVER})) == {RoleCode.APPROVER}
