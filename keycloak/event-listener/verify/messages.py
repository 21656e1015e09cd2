"""The messages of one exchange, as its queue holds them."""

import json
import re
import time

from realm import PERSON

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FIELDS = {"v", "id", "time", "realm_id", "kind", "operation", "resource", "user_id", "path", "client_id"}


class Messages:
    def __init__(self, rabbitmq, exchange, secrets=()):
        self.rabbitmq, self.exchange = rabbitmq, exchange
        self.secrets = [PERSON, "127.0.0.1", *secrets]
        self.faults = []
        self.seen = 0

    def take(self, at_least, seconds=20, settle=0.3):
        """Waits for so many different events, and a moment for more; returns their bodies in order."""
        bodies, deadline = {}, time.monotonic() + seconds
        while True:
            for message in self.rabbitmq.take(self.exchange):
                body = json.loads(message["payload"])
                self.check(message, body)
                bodies.setdefault(body["id"], body)
            if len(bodies) >= at_least:
                if settle == 0:
                    return list(bodies.values())
                time.sleep(settle)
                settle, deadline = 0, 0
            elif time.monotonic() > deadline:
                return list(bodies.values())
            time.sleep(0.05)

    def check(self, message, body):
        """What holds for every message; collected, and asked for once at the end."""
        self.seen += 1
        properties = message["properties"]
        holds = {
            "fields": set(body) <= FIELDS and set(body) >= {"v", "id", "time", "realm_id", "kind", "operation", "resource"},
            "version": body["v"] == 1,
            "ids": all(UUID.fullmatch(body[name]) for name in ("id", "realm_id", "user_id", "client_id") if name in body),
            "time": abs(body["time"] / 1000 - time.time()) < 300,
            "routing key": message["routing_key"] == f"realm.{body['realm_id']}.{body['kind']}.{body['operation']}",
            "properties": {name: properties.get(name) for name in
                           ("content_type", "message_id", "app_id", "type", "delivery_mode")} == {
                "content_type": "application/json", "message_id": body["id"], "app_id": "kevra-keycloak-listener",
                "type": "kevra.realm-event.v1", "delivery_mode": 2},
            "no personal data": not any(secret in json.dumps(message) for secret in self.secrets),
        }
        self.faults += [f"{name}: {message}" for name, held in holds.items() if not held]
