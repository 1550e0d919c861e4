"""The addresses of generation's API, below ``/api/v1/``."""

from django.urls import path

from generation import services, views

app_name = "generation"

urlpatterns = [
    path("models", views.ModelsView.as_view(), name="models"),
    path("models/<uuid:model_id>", views.ModelView.as_view(), name="model"),
    path("models/<uuid:model_id>/bom", views.ModelBomView.as_view(), name="model-bom"),
    path("trainings", views.TrainingsView.as_view(), name="trainings"),
    path("trainings/<uuid:training_id>", views.TrainingView.as_view(), name="training"),
    path(
        "trainings/<uuid:training_id>/complete",
        views.TrainingCompletionView.as_view(),
        name="training-complete",
    ),
    path(
        "trainings/<uuid:training_id>/fail", views.TrainingEndView.as_view(), name="training-fail"
    ),
    path(
        "trainings/<uuid:training_id>/cancel",
        views.TrainingEndView.as_view(end=services.cancel_training),
        name="training-cancel",
    ),
    path(
        "trainings/<uuid:training_id>/override",
        views.OverrideView.as_view(),
        name="training-override",
    ),
    path(
        "trainings/<uuid:training_id>/override/approve",
        views.OverrideApprovalView.as_view(),
        name="override-approve",
    ),
    path("runs", views.RunsView.as_view(), name="runs"),
    path("runs/<uuid:run_id>", views.RunView.as_view(), name="run"),
    path("runs/<uuid:run_id>/complete", views.RunCompletionView.as_view(), name="run-complete"),
    path("runs/<uuid:run_id>/fail", views.RunFailureView.as_view(), name="run-fail"),
    path("outputs/<uuid:output_id>", views.OutputView.as_view(), name="output"),
    path(
        "outputs/<uuid:output_id>/content",
        views.OutputContentView.as_view(),
        name="output-content",
    ),
]
