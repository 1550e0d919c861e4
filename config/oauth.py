"""OAuth 2 client credentials: who gets which scope."""

from typing import Any

from oauth2_provider.scopes import SettingsScopes


class AskedScopes(SettingsScopes):  # type: ignore[misc]
    """Give a client the scopes it asks for: one that asks for none gets none."""

    def get_default_scopes(self, *args: Any, **kwargs: Any) -> list[str]:  # noqa: ARG002
        return []
