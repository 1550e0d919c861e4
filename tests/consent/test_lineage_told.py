import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from oauth2_provider.models import get_access_token_model
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import datasource_dataset
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

from consent import services
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.models import Account, Dataset, Entity, Intake, Project, Tie
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services.entities import OURS
from ledger.services import open_file
from tests.consent.factories import House
from tests.consent.test_admin import browser, do
from tests.consent.test_api import of_person
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import scientist as scientist

pytestmark = pytest.mark.django_db(transaction=True)
PRODUCER = "https://jobs.example/training"


def event(
    *, inputs: list[str], outputs: list[str], state: RunState = RunState.COMPLETE
) -> RunEvent:
    source: Any = {"dataSource": datasource_dataset.DatasourceDatasetFacet("store", "s3://store")}
    return RunEvent(
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(str(uuid4())),
        job=Job("jobs", "resize"),
        producer=PRODUCER,
        eventType=RunState.COMPLETE,
        inputs=[InputDataset("store", name, facets=source) for name in inputs],
        outputs=[OutputDataset("store", name) for name in outputs],
    )


@pytest.fixture
def project(dataset: Dataset) -> Project:
    return dataset.project


@pytest.fixture
def token(house: House, project: Project) -> str:
    program = house.client("trainer", RoleCode.DATA_SCIENTIST, project=project)
    services.issue_credentials(actor=house.ada, account_id=program.pk)
    return services.issue_token(
        actor=house.ada, account_id=program.pk, scopes=["lineage:write"], days=30
    )


def client_of(url: str, token: str, **options: Any) -> OpenLineageClient:
    auth = ApiKeyTokenProvider({"api_key": token})
    retry = {"total": 0}
    return OpenLineageClient(
        transport=HttpTransport(HttpConfig(url=url, auth=auth, retry=retry, **options))
    )


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_an_unmodified_client_posts_events_and_each_counts_once(
    live_server: Any, token: str, project: Project, compression: str | None
) -> None:
    said = {"url": live_server.url, "compression": compression}
    config = HttpConfig.from_dict(said | {"auth": {"type": "api_key", "apiKey": token}})
    client = OpenLineageClient(transport=HttpTransport(config))
    sent = event(inputs=["raw"], outputs=["small"])
    client.emit(sent)
    client.emit(sent)
    intake = Intake.objects.get()
    assert (intake.project, intake.form, intake.state) == (project, "openlineage", "read")
    assert intake.file
    assert json.loads(open_file(intake.file))["producer"] == PRODUCER
    kinds = sorted(Entity.objects.values_list("kind", flat=True))
    assert kinds == ["dataset", "dataset", "job", "run"]
    relations = set(Tie.objects.values_list("relation", flat=True))
    assert {"used", "wasGeneratedBy"} <= relations


def test_a_revoked_token_opens_nothing(house: House, live_server: Any, token: str) -> None:
    program = Account.objects.get(kind="client")
    assert services.revoke_tokens(actor=house.ada, account_id=program.pk) == 1
    with pytest.raises(Exception, match="401"):
        client_of(live_server.url, token).emit(event(inputs=["a"], outputs=["b"]))
    assert not Intake.objects.exists()


def test_our_own_version_is_known_by_its_address(
    scientist: Account, dataset: Dataset, project: Project
) -> None:
    version = services.open_version(actor=scientist, dataset_id=dataset.pk)
    sent = event(inputs=[f"{OURS}{version.pk}"], outputs=["model"])
    content = json.dumps(_plain(sent)).encode()
    services.tell_event(actor=scientist, project_id=project.pk, content=content)
    assert Entity.objects.get(version=version).kind == "dataset"


def _plain(sent: RunEvent) -> dict[str, Any]:
    from openlineage.client.serde import Serde

    said: dict[str, Any] = json.loads(Serde.to_json(sent))
    return said


def test_whoever_works_for_several_projects_says_for_which(
    house: House, scientist: Account, project: Project
) -> None:
    services.open_project(actor=house.ada, code="another")
    api = of_person(scientist)
    body = json.dumps(_plain(event(inputs=["a"], outputs=["b"])))
    path = "/api/v1/lineage"
    refused = api.client.post(path, body, content_type="application/json")
    assert (refused.status_code, refused.json()["type"]) == (422, "TermsRefused")
    taken = api.client.post(f"{path}?project={project.code}", body, content_type="application/json")
    assert taken.status_code == 201


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[]", {}, 422),
        (b"{", {}, 422),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Content-Encoding": "br"}, 400),
        (gzip.compress(b" " * (5 << 20)), {"Content-Encoding": "gzip"}, 422),
    ],
    ids=["list", "no JSON", "no gzip", "brotli", "bomb"],
)
def test_what_is_no_event_is_refused(
    scientist: Account, project: Project, body: bytes, headers: dict[str, str], status: int
) -> None:
    api = of_person(scientist)
    path = f"/api/v1/lineage?project={project.code}"
    sent = api.client.post(path, body, content_type="application/json", headers=headers)
    assert sent.status_code == status
    assert not Intake.objects.exists()


def test_tokens_are_for_programs_known_scopes_and_a_time(
    house: House, scientist: Account, officer: Account
) -> None:
    program = house.client("trainer", RoleCode.DATA_SCIENTIST)
    said: dict[str, Any] = {"actor": house.ada, "account_id": program.pk, "days": 30}
    with pytest.raises(WrongState, match="no active program with credentials"):
        services.issue_token(**said, scopes=["lineage:write"])
    with pytest.raises(TermsRefused, match="scopes must be some of"):
        services.issue_token(**said, scopes=["everything"])
    with pytest.raises(TermsRefused, match="1 to 366 days, not 400"):
        services.issue_token(**said | {"days": 400}, scopes=["lineage:write"])
    with pytest.raises(NotPermitted, match=r"consent\.issue_credentials"):
        services.issue_token(**said | {"actor": officer}, scopes=["lineage:write"])


def test_events_told_at_once_name_a_thing_once(scientist: Account, project: Project) -> None:
    bodies = [
        json.dumps(_plain(event(inputs=["raw"], outputs=["small"]))).encode() for _ in range(4)
    ]

    def tell(body: bytes) -> None:
        try:
            services.tell_event(actor=scientist, project_id=project.pk, content=body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, [*bodies, bodies[0]]))
    assert Intake.objects.count() == 4
    assert Entity.objects.filter(kind="dataset").count() == 2


def test_a_token_is_issued_and_revoked_on_screen(house: House) -> None:
    program = house.client("trainer", RoleCode.DATA_SCIENTIST)
    services.issue_credentials(actor=house.ada, account_id=program.pk)
    client = browser(house.ada)
    shown = do(client, program, "token", {"scopes": ["lineage:write"], "days": "30"})
    assert "Token, for 30 days" in shown.content.decode()
    assert do(client, program, "token", {"scopes": [], "days": "400"}).status_code == 200
    assert do(client, program, "revoke").status_code == 302
    assert not get_access_token_model().objects.filter(expires__gt=database_now()).exists()


def test_a_job_called_like_a_data_set_is_kept_apart_from_it(
    scientist: Account, project: Project
) -> None:
    sent = _plain(event(inputs=["raw"], outputs=["resize"]))
    sent["job"] = {"namespace": "store", "name": "resize"}
    content = json.dumps(sent).encode()
    services.tell_event(actor=scientist, project_id=project.pk, content=content)
    kinds = sorted(Entity.objects.values_list("kind", flat=True))
    assert kinds == ["dataset", "dataset", "job", "run"]
    made = Tie.objects.get(relation="wasGeneratedBy")
    assert (made.later.kind, made.earlier.kind) == ("dataset", "run")
