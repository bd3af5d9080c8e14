"""`/console`: the operator's pages. Each reads its address, calls services, shows the answer."""

from payments.web.console import overview  # noqa: F401  # registers its page
from payments.web.console.blueprint import blueprint as blueprint
