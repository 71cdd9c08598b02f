"""What the command line uses of the server."""

from .accounts import Accounts
from .config import Config, Limits
from .serving import Place, access_url, serve

__all__ = ["Accounts", "Config", "Limits", "Place", "access_url", "serve"]
