"""Addresses of the portal."""

from django.urls import path

from consent.portal.views import answers, door, requests

app_name = "portal"

urlpatterns = [
    path("", door.EntranceView.as_view(), name="entrance"),
    path("link/<str:token>/", door.LinkView.as_view(), name="link"),
    path("leave/", door.LeaveView.as_view(), name="leave"),
    path("people/", door.PeopleView.as_view(), name="people"),
    path("home/", answers.HomeView.as_view(), name="home"),
    path("answers/", answers.HistoryView.as_view(), name="history"),
    path("answers/<uuid:grant_id>/", answers.AnswerView.as_view(), name="answer"),
    path("answers/<uuid:grant_id>/give/", answers.GiveView.as_view(), name="give"),
    path("answers/<uuid:grant_id>/later/", answers.LaterView.as_view(), name="later"),
    path("answers/<uuid:grant_id>/receipt/", answers.ReceiptView.as_view(), name="receipt"),
    path("take-back/", answers.TakeBackView.as_view(), name="take-back"),
    path("done/<slug:done>/", answers.DoneView.as_view(), name="done"),
    path("done/<slug:done>/<uuid:grant_id>/", answers.DoneView.as_view(), name="done-answer"),
    path("requests/", requests.RequestsView.as_view(), name="requests"),
    path("requests/<uuid:request_id>/", requests.RequestView.as_view(), name="request"),
    path("requests/<uuid:request_id>/data/", requests.PackageView.as_view(), name="package"),
]
