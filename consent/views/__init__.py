"""The API of consent, and the page where a one-time sign-in is spent.

People use the API in their session, programs by token; what either may do, their roles say.
Every write takes an ``Idempotency-Key``.
"""
