"""`/console`: the operator's pages. Each reads its address, calls services, shows the answer."""

# Each module registers its pages.
from payments.web.console import audit as audit
from payments.web.console import bulk as bulk
from payments.web.console import configuration as configuration
from payments.web.console import dead_letters as dead_letters
from payments.web.console import event as event
from payments.web.console import events as events
from payments.web.console import findings as findings
from payments.web.console import overview as overview
from payments.web.console import payments as payments
from payments.web.console import reconciliation as reconciliation
from payments.web.console.blueprint import blueprint as blueprint
