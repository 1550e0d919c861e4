"""The page where a one-time sign-in is spent."""

from uuid import UUID

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from consent import services
from consent.errors import SignInRefused, TermsRefused
from consent.forms import PasswordForm


class SignInView(View):
    """Where the holder of a one-time sign-in sets a password."""

    def get(self, request: HttpRequest, account_id: UUID, token: str) -> HttpResponse:
        return self._page(request, PasswordForm(), is_open=_is_open(account_id, token))

    def post(self, request: HttpRequest, account_id: UUID, token: str) -> HttpResponse:
        form = PasswordForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, is_open=True)
        password = form.cleaned_data["password"]
        try:
            services.set_password(account_id=account_id, token=token, password=password)
        except SignInRefused:
            return self._page(request, form, is_open=False)
        except TermsRefused as error:
            form.add_error("password", str(error))
            return self._page(request, form, is_open=True)
        # Whoever else was signed in at this browser is not the person who sets the password.
        logout(request)
        return redirect("admin:index")

    def _page(self, request: HttpRequest, form: PasswordForm, *, is_open: bool) -> HttpResponse:
        context = {"form": form, "is_open": is_open}
        response = render(request, "consent/sign_in.html", context, status=200 if is_open else 403)
        # The address is the secret: it must not travel on with the next click.
        # Not no-referrer: browsers would send the form with "Origin: null", which is refused.
        response["Referrer-Policy"] = "strict-origin"
        response["Cache-Control"] = "no-store"
        return response


def _is_open(account_id: UUID, token: str) -> bool:
    return services.find_sign_in(account_id=account_id, token=token) is not None
