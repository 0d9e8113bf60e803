"""A synthetic bank of any size whose truth is known."""

from crmlib.demo.settings import BankSettings
from crmlib.demo.writing import Written, write_bank

__all__ = ["BankSettings", "Written", "write_bank"]
