"""`make demo`: the whole service with lifelike traffic, to look at in the console.

__main__    the acts: a day that has passed, traffic, an outage, its end, a comparison
stage       the service in a folder of its own, with a stand-in for Stripe's API
traffic     payments of both providers as deliveries: doubled, late, out of order, lost, forged
warehouse   what a handler needs, and what breaks
handlers    PAYMENTS_HANDLERS of the demo
"""
