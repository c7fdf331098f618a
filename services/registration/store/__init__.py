"""The SQL of registration: tables, repositories, and the unit of work that holds them."""

from services.registration.store.tables import metadata
from services.registration.store.unit import RegistrationStoreWork

__all__ = ["RegistrationStoreWork", "metadata"]
