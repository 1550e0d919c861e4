"""The pages of the portal: each reads what was sent, calls one service, and shows what is."""

from consent.portal.views.door import EntranceView

__all__ = ["EntranceView"]
