"""What a person sees in place of a page: one sentence, what to do, and the way back."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from consent.portal import pages as portal
from consent.portal.pages import is_portal


def error_page(
    request: HttpRequest, status: int, *, title: str | Promise, told: str | Promise
) -> HttpResponse:
    """Return the page that says why there is no other, in the look of the portal or the admin."""
    if is_portal(request):
        return portal.error_page(request, status)
    context = {**admin.site.each_context(request), "title": title, "told": told}
    return render(request, "error.html", context, status=status)
