"""`make bench`: the one door beside django-fsm-2 and the bare SQL, bulk, HTTP and growth, on a durable PostgreSQL."""
