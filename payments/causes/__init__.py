"""Why an event failed: classified at the moment of the failure, into a fingerprint for groups.

Pure: knows neither the database nor the libraries whose exceptions it reads (those are recognised
by their names and attributes). Never raises, never keeps what an event says, and every text is
masked, printable and bounded.

    cause = classify(error, subject, mask)
    cause.fingerprint   # equal for what is one cause
    cause.sentence      # "connection refused by 10.0.0.5:443 in fulfil_order"
"""

from payments.causes.cause import STAGES, VERSION, Cause, Subject
from payments.causes.classifying import cause_of_death, cause_of_text, classify
from payments.causes.wording import Mask, in_general

__all__ = [
    "classify",
    "cause_of_death",
    "cause_of_text",
    "in_general",
    "Cause",
    "Mask",
    "Subject",
    "STAGES",
    "VERSION",
]
