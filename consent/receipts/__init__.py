"""Consent records and receipts (ISO/IEC TS 27560 in DPV's words): written, signed, verified, read.

Pure: bytes and plain values in and out. README.md beside this file says what is in a receipt.
"""
