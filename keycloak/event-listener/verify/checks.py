"""What the listener promises, one check a line."""

import os
import statistics
import time

from messages import Messages
from realm import PERSON, Realm, call
from servers import PASSWORD, Keycloak, wait_for

EXCHANGE = "kevra.realm-events"
PUTS = 80


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, holds, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok    ' if holds else 'FAILED'} {what}{'' if holds else f': {detail}'}", flush=True)


def everything(place, rabbitmq, jar, version, report):
    keycloak = Keycloak(place, version, jar)
    keycloak.start({"KC_SPI_EVENTS_LISTENER__KEVRA_SCIM_EVENTS__URL": rabbitmq.amqp(tls=True)},
                   [f"--truststore-paths={place.path('ca.pem')}", "--features=scim-api"])
    unrouted(keycloak, rabbitmq, report)
    messages = Messages(rabbitmq, EXCHANGE, [keycloak.CLIENT])
    realm = Realm(keycloak, "verify")
    administration(realm, messages, report)
    self_service(realm, messages, report)
    native_scim(keycloak, messages, report)
    lockout(keycloak, messages, report)
    refusals(realm, messages, report)
    stored_ids(keycloak, messages, report)
    latency(realm, rabbitmq, messages, report)
    end_with_a_frozen_broker(keycloak, realm, rabbitmq, report)
    other_settings(place, keycloak, realm, rabbitmq, report)
    inert(keycloak, realm, report)
    report.that(f"all {messages.seen} messages have the promised form and no personal data", not messages.faults,
                messages.faults[:3])


def another_version(place, rabbitmq, jar, version, report):
    print(f"Keycloak {version}")
    keycloak = Keycloak(place, version, jar)
    keycloak.start({"KEVRA_EVENTS_AMQP_URL": rabbitmq.amqp(tls=False)})
    wait_for("the connection", 30, lambda: "Connected to the broker" in keycloak.logged())
    rabbitmq.queue(EXCHANGE)
    messages = Messages(rabbitmq, EXCHANGE, [keycloak.CLIENT])
    messages.take(0)
    realm = Realm(keycloak, "verify")
    administration(realm, messages, report)
    self_service(realm, messages, report)
    refusals(realm, messages, report)
    stored_ids(keycloak, messages, report)
    seconds = keycloak.stop()
    report.that(f"Keycloak {version} ended in {seconds:.1f} s", seconds < 15)
    report.that(f"all {messages.seen} messages have the promised form and no personal data", not messages.faults,
                messages.faults[:3])


def unrouted(keycloak, rabbitmq, report):
    """Before anybody has bound a queue: the exchange is there, and a message without a reader does no harm."""
    wait_for("the connection", 30, lambda: "Connected to the broker" in keycloak.logged(), keycloak.log)
    exchange = rabbitmq.call("GET", f"/api/exchanges/%2F/{EXCHANGE}") or {}
    report.that("the listener declares a durable topic exchange, over TLS with a checked certificate",
                exchange.get("type") == "topic" and exchange.get("durable") is True, exchange)
    Realm(keycloak, "unheard").create("nobody")
    time.sleep(1)
    rabbitmq.queue(EXCHANGE)


def told(report, what, messages, realm, *expected):
    """These messages and no others: (kind, operation, resource, path, user), a path of None for none."""
    bodies = messages.take(len(expected))
    found = [(b["kind"], b["operation"], b["resource"], b.get("path"), b.get("user_id")) for b in bodies]
    known = all(b["realm_id"] == realm.id for b in bodies)
    acted = all(b.get("client_id") == realm.actor for b in bodies if b["kind"] == "admin")
    report.that(what, sorted(found, key=str) == sorted(expected, key=str) and known and acted, bodies)


def of_user(operation, user, resource="USER", beneath=""):
    return ("admin", operation, resource, f"users/{user}{beneath}", user)


def administration(realm, messages, report):
    user = realm.create("jane")
    told(report, "an administrator creates a user", messages, realm, of_user("CREATE", user))
    realm.admin("PUT", f"/users/{user}", realm.person("jane", lastName="Roe"))
    told(report, "changes him", messages, realm, of_user("UPDATE", user))
    realm.admin("PUT", f"/users/{user}", realm.person("jane", enabled=False))
    told(report, "disables him", messages, realm, of_user("UPDATE", user))
    realm.admin("PUT", f"/users/{user}", realm.person("jane"))
    told(report, "enables him", messages, realm, of_user("UPDATE", user))
    group = realm.admin("POST", "/groups", {"name": f"{PERSON}-group"})
    realm.admin("PUT", f"/users/{user}/groups/{group}")
    told(report, "puts him into a group", messages, realm, of_user("CREATE", user, "GROUP_MEMBERSHIP", "/groups"))
    realm.admin("DELETE", f"/users/{user}/groups/{group}")
    told(report, "takes him out", messages, realm, of_user("DELETE", user, "GROUP_MEMBERSHIP", "/groups"))
    realm.admin("POST", "/roles", {"name": "staff"})
    role = [realm.admin("GET", "/roles/staff")]
    realm.admin("POST", f"/users/{user}/role-mappings/realm", role)
    told(report, "gives him a role", messages, realm, of_user("CREATE", user, "REALM_ROLE_MAPPING", "/role-mappings"))
    realm.admin("DELETE", f"/users/{user}/role-mappings/realm", role)
    told(report, "takes it away", messages, realm, of_user("DELETE", user, "REALM_ROLE_MAPPING", "/role-mappings"))
    realm.admin("POST", f"/groups/{group}/role-mappings/realm", role)
    told(report, "gives a group a role", messages, realm,
         ("admin", "CREATE", "REALM_ROLE_MAPPING", f"groups/{group}/role-mappings", None))
    realm.admin("DELETE", f"/groups/{group}")
    told(report, "deletes the group", messages, realm, ("admin", "DELETE", "GROUP", f"groups/{group}", None))
    realm.admin("PUT", f"/users/{user}/reset-password", {"type": "password", "value": "x", "temporary": False})
    told(report, "sets a password: nothing to tell", messages, realm)
    realm.admin("DELETE", f"/users/{user}")
    told(report, "deletes the user", messages, realm, of_user("DELETE", user))
    imported = {"ifResourceExists": "OVERWRITE", "users": [realm.person("import-1"), realm.person("import-2")]}
    realm.admin("POST", "/partialImport", imported)
    users = [person["id"] for person in realm.admin("GET", f"/users?search={PERSON}-import")]
    told(report, "imports two users", messages, realm, *(of_user("CREATE", user, "REALM") for user in users))
    realm.admin("POST", "/partialImport", imported)
    bodies = messages.take(2)
    users = [person["id"] for person in realm.admin("GET", f"/users?search={PERSON}-import")]
    report.that("imports them once more", {b["user_id"] for b in bodies} >= set(users), bodies)


def self_service(realm, messages, report):
    report.that("the registration page takes a new user", realm.register("self"))
    user = realm.admin("GET", f"/users?username={PERSON}-self&exact=true")[0]["id"]
    told(report, "a user registers", messages, realm, ("user", "REGISTER", "USER", None, user))
    token = realm.login("self")
    told(report, "signs in: nothing to tell", messages, realm)
    realm.save_account("self", token)
    told(report, "saves his account", messages, realm, ("user", "UPDATE_PROFILE", "USER", None, user))


def native_scim(keycloak, messages, report):
    """Keycloak's own SCIM API names users by other paths; the message does not."""
    realm = Realm(keycloak, "scim")
    users, token, realm.actor = realm.scim()
    messages.take(0)
    person = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{PERSON}-scim", "active": True,
              "name": {"givenName": PERSON, "familyName": "Doe"}, "emails": [{"value": f"{PERSON}-scim@example.com"}]}
    user = call("POST", users, person, token)
    user = user if isinstance(user, str) else user["id"]
    told(report, "Keycloak's SCIM API creates a user", messages, realm, of_user("CREATE", user))
    call("PUT", f"{users}/{user}", {**person, "id": user, "active": False}, token)
    told(report, "disables him", messages, realm, of_user("UPDATE", user))
    call("DELETE", f"{users}/{user}", token=token)
    told(report, "deletes him", messages, realm, of_user("DELETE", user))


def lockout(keycloak, messages, report):
    """Keycloak tells of a permanent one as of a temporary one too, first."""
    temporary, permanent = (f"USER_DISABLED_BY_{kind}_LOCKOUT" for kind in ("TEMPORARY", "PERMANENT"))
    for kind, settings, operations in (
            ("permanent", {"permanentLockout": True}, (temporary, permanent)),
            ("temporary", {"waitIncrementSeconds": 60}, (temporary,))):
        realm = Realm(keycloak, f"lockout-{kind}", bruteForceProtected=True, failureFactor=2, **settings)
        user = realm.with_password("victim")
        messages.take(1)
        for _ in range(3):
            try:
                realm.login("victim", "wrong")
            except Exception:
                time.sleep(0.3)
        told(report, f"a {kind} lock-out", messages, realm,
             *(("user", operation, "USER", None, user) for operation in operations))


def refusals(realm, messages, report):
    user = realm.with_password("plain")
    realm.create("taken")
    messages.take(2)
    outsider = realm.login("plain")
    statuses = [
        realm.refused("POST", "/users", realm.person("taken")),
        realm.refused("PUT", f"/users/{user}", realm.person("plain", email=f"{PERSON}-taken@example.com")),
        realm.refused("PUT", f"/users/{user}", realm.person("plain", email="no address")),
        realm.refused("POST", "/users", realm.person("outsider"), token=outsider),
        realm.refused("PUT", f"/users/{user}", {"enabled": False}, token=outsider),
        realm.refused("DELETE", "/users/00000000-0000-0000-0000-000000000000"),
    ]
    report.that("six requests are refused", all(400 <= status < 500 for status in statuses), statuses)
    half = {"ifResourceExists": "FAIL", "users": [realm.person("half"), realm.person("whole", groups=["/nowhere"])]}
    status = realm.refused("POST", "/partialImport", half)
    report.that("an import that fails at its second user is rolled back",
                status >= 400 and not realm.admin("GET", f"/users?search={PERSON}-half"), status)
    report.that("a registration with two passwords is refused", not realm.register("typo", again="other"))
    realm.admin("PUT", f"/users/{user}", realm.person("plain", lastName="Fence"))
    told(report, "refused and rolled-back requests are not told, the next good one is", messages, realm, of_user("UPDATE", user))


def stored_ids(keycloak, messages, report):
    """The poll knows a pushed event again by its id."""
    realm = Realm(keycloak, "stored", adminEventsEnabled=True, eventsEnabled=True)
    user = realm.with_password("jane")
    realm.admin("PUT", f"/users/{user}", realm.person("jane", lastName="Roe"))
    realm.save_account("jane", realm.login("jane"))
    bodies = {b["id"]: b["time"] for b in messages.take(3)}
    stored = realm.admin("GET", "/admin-events?resourceTypes=USER") + realm.admin("GET", "/events?type=UPDATE_PROFILE")
    report.that("messages bear the ids and times of the stored events",
                bodies == {event["id"]: event["time"] for event in stored} and len(bodies) == 3, (bodies, stored))


def put(realm, user, number, name="clocked"):
    realm.token()
    begin = time.perf_counter()
    realm.admin("PUT", f"/users/{user}", realm.person(name, lastName=f"Roe{'abcdefghij'[number % 10]}"))
    return (time.perf_counter() - begin) * 1000


def latency(realm, rabbitmq, messages, report):
    """What a broker out of order costs a request, and that what happened meanwhile arrives afterwards."""
    user = realm.create("clocked")
    for number in range(150):
        put(realm, user, number)
    messages.take(151)

    def measure(state):
        times = [put(realm, user, number) for number in range(PUTS)]
        print(f"       PUT, broker {state:12} median {statistics.median(times):6.2f} ms   "
              f"p95 {sorted(times)[int(PUTS * 0.95)]:6.2f} ms   worst {max(times):6.2f} ms", flush=True)
        return times

    up = measure("up")
    told_all(report, "up", messages, PUTS)
    rabbitmq.freeze()
    frozen = measure("frozen")
    time.sleep(7)
    # By now nothing was confirmed in time, and new connections hang.
    frozen += measure("frozen later")
    rabbitmq.thaw()
    told_all(report, "thawed", messages, 2 * PUTS)
    again = measure("up again")
    told_all(report, "up again", messages, PUTS)
    rabbitmq.kill()
    down = measure("killed")
    time.sleep(3)
    down += measure("killed later")
    rabbitmq.start()
    told_all(report, "restarted", messages, 2 * PUTS)
    last = measure("up at last")
    told_all(report, "up at last", messages, PUTS)
    # The machine has other things to do; the slowest of three rounds is what it can be like with a broker.
    normal = max(map(statistics.median, (up, again, last)))
    worst = max(up + again + last)
    for state, times in (("frozen", frozen), ("killed", down)):
        median = statistics.median(times)
        report.that(f"a {state} broker costs a request nothing: {median:.2f} ms, with a broker {normal:.2f} ms",
                    median < normal + 5 and max(times) < max(1000, 2 * worst), times)


def told_all(report, state, messages, count):
    found = len(messages.take(count, seconds=60))
    report.that(f"broker {state}: all {count} changes arrive", found == count, found)


def end_with_a_frozen_broker(keycloak, realm, rabbitmq, report):
    user = realm.create("last")
    time.sleep(1)
    rabbitmq.freeze()
    realm.admin("PUT", f"/users/{user}", realm.person("last", lastName="Roe"))
    seconds = keycloak.stop()
    rabbitmq.thaw()
    report.that(f"with a frozen broker Keycloak ends in {seconds:.1f} s", seconds < 15)
    log = keycloak.logged()
    ours = [line for line in log.splitlines() if "com.kevra" in line]
    report.that("counters are logged once a minute", 1 <= log.count("Realm events: sent=") <= 10, ours)
    ending = [line for line in ours if "Realm events at the end" in line]
    report.that("the unheard message was counted as returned, and none but the last dropped",
                len(ending) == 1 and "returned=1 dropped=1 " in ending[0], ending)
    report.that(f"{len(ours)} lines of log for {confirmed(ending)} messages, without the broker's password",
                len(ours) < 40 and PASSWORD not in log, ours)
    for line in ours:
        print(f"       {line}")


def confirmed(ending):
    return ending[0].split("confirmed=")[1].split()[0] if ending else "?"


def other_settings(place, keycloak, realm, rabbitmq, report):
    """After a restart: the URL in a file, without TLS, another exchange, a small queue."""
    exchange = "elsewhere.events"
    file = place.path("amqp-url")
    with open(file, "w") as text:
        text.write(rabbitmq.amqp(tls=False) + "\n")
    os.chmod(file, 0o644)
    begin = len(keycloak.logged())
    keycloak.start({"KEVRA_EVENTS_AMQP_URL_FILE": file, "KEVRA_EVENTS_AMQP_URL": "amqp://unused.invalid",
                    "KC_SPI_EVENTS_LISTENER__KEVRA_SCIM_EVENTS__EXCHANGE": exchange,
                    "KC_SPI_EVENTS_LISTENER__KEVRA_SCIM_EVENTS__CONFIRM_TIMEOUT_MS": "2000"},
                   ["--spi-events-listener--kevra-scim-events--queue-capacity=20"])
    wait_for("the connection", 30, lambda: "Connected to the broker" in keycloak.logged()[begin:], keycloak.log)
    rabbitmq.queue(exchange)
    messages = Messages(rabbitmq, exchange, [keycloak.CLIENT])
    realm.minted = 0
    user = realm.create("restarted")
    told(report, "a restart needs nobody: other settings, the next change is told", messages, realm,
         of_user("CREATE", user))
    rabbitmq.kill()
    time.sleep(1)
    for number in range(60):
        put(realm, user, number, "restarted")
    rabbitmq.start()
    # The queue holds 20; one more may have been on its way.
    held = len(messages.take(20, seconds=60, settle=1))
    report.that("a full queue keeps what it holds and drops the rest", 20 <= held <= 22, held)
    for number in range(30):
        put(realm, user, number, "restarted")
    seconds = keycloak.stop()
    found = len(messages.take(30))
    report.that(f"a stop right after 30 changes sends them first, in {seconds:.1f} s", found == 30, found)
    dropped = [line for line in keycloak.logged()[begin:].splitlines() if "at the end" in line]
    report.that("the dropped ones are counted", len(dropped) == 1 and f"dropped={60 - held} " in dropped[0], dropped)
    report.that("the log holds no password", PASSWORD not in keycloak.logged())


def inert(keycloak, realm, report):
    begin = len(keycloak.logged())
    keycloak.start({})
    realm.minted = 0
    realm.create("unheard")
    log = keycloak.logged()[begin:]
    said = [line for line in log.splitlines() if "com.kevra" in line]
    report.that("without a URL it says so once and does nothing", len(said) == 1 and "No broker is configured" in said[0],
                said)
    keycloak.stop()
