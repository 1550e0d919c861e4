"""Reader: what a model is made of, as a CycloneDX ML-BOM. Nobody in it is named."""

from uuid import UUID, uuid4

from consent.exporters.version import licence_of
from consent.formats import cyclonedx
from consent.formats.cyclonedx import Material, Model
from consent.formats.described import Digest, Ref
from consent.lineage import address
from consent.models import Account, DatasetVersion
from consent.moment import database_now
from consent.services.authority import get, require_anywhere
from generation.models import ModelVersion, TrainingInput

PRODUCER = "muniment"


def write_bom(*, actor: Account, model_id: UUID) -> bytes:
    """Return the BOM of a registered model. Raises NotPermitted, Unknown.

    Of versions in projects that are not the actor's, only address and digest are told.
    """
    require_anywhere(actor, "generation.view_modelversion")
    model = get(ModelVersion.objects.all(), model_id)
    projects = set(actor.projects_with("consent.view_datasetversion").values_list("pk", flat=True))
    described = Model(
        ref=Ref(address("model", model.pk), model.version),
        name=model.name,
        digest=Digest("sha256", model.effective_digest.hex()),
        materials=tuple(
            _material(version, is_told=version.project_id in projects)
            for version in _versions(model)
        ),
        properties=(
            ("muniment:files", f"sha256:{model.files_digest.hex()}"),
            ("muniment:configuration", f"sha256:{model.configuration_digest.hex()}"),
            *((f"muniment:file:{file['path']}", file["sha256"]) for file in model.weights()),
        ),
    )
    at = database_now().isoformat()
    return cyclonedx.write(described, serial=uuid4(), at=at, producer=PRODUCER)


def _versions(model: ModelVersion) -> list[DatasetVersion]:
    """Return the versions that a model was registered with or trained on."""
    inputs = TrainingInput.objects.filter(training__model=model).values("version_id")
    trained = DatasetVersion.objects.filter(pk__in=inputs)
    own = DatasetVersion.objects.filter(models=model)
    return list((trained | own).select_related("dataset").order_by("pk").distinct())


def _material(version: DatasetVersion, *, is_told: bool) -> Material:
    assert version.digest is not None
    ref = Ref(address("version", version.pk), f"{version.number}.0.0" if is_told else "")
    digest = Digest("sha256", version.digest.hex())
    if not is_told:
        return Material(ref, ref.identifier, digest=digest)
    shown = version.member_count - version.house_count
    return Material(
        ref=ref,
        name=version.dataset.code,
        licence=licence_of(version),
        digest=digest,
        about=f"{version.member_count} items",
        sensitive=(f"people are shown in {shown} of {version.member_count} items",)
        if shown
        else (),
    )
