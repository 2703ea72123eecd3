"""The bundle: what an auditor takes away to verify the log, or the part that concerns a batch or a project, offline."""

from lifecycle.seal.bundle.making import VIEWS, Bundle, Order, make_bundle, record_bundle

__all__ = ["VIEWS", "Bundle", "Order", "make_bundle", "record_bundle"]
