"""A realm through its Admin API, its token endpoint, its account API and its registration page."""

import html
import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

PERSON = "zqperson"


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body[:200]}")
        self.status = status


def call(method, url, body=None, token=None, form=None):
    headers, data = {"Accept": "application/json"}, None
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            location = answer.headers.get("Location")
            return location.rsplit("/", 1)[1] if location else json.loads(text or b"null")
    except urllib.error.HTTPError as refusal:
        raise Refused(refusal.code, refusal.read().decode(errors="replace")) from None


def status(method, url, **rest):
    try:
        call(method, url, **rest)
        return 200
    except Refused as refusal:
        return refusal.status


class Realm:
    """A new realm with its events switched off: the listener must not care."""

    def __init__(self, keycloak, name, **settings):
        self.keycloak, self.name = keycloak, name
        self.base = f"{keycloak.url}/admin/realms/{name}"
        self.minted = 0.0
        call("POST", f"{keycloak.url}/admin/realms", token=self.token(), body={
            "realm": name, "enabled": True, "registrationAllowed": True, "eventsEnabled": False,
            "adminEventsEnabled": False, "eventsListeners": [], "sslRequired": "none", **settings})
        self.id = self.admin("GET", "")["id"]
        master = f"{keycloak.url}/admin/realms/master/clients?clientId={keycloak.CLIENT}"
        self.actor = call("GET", master, token=self.token())[0]["id"]
        self.admin("POST", "/clients", {"clientId": "verify", "publicClient": True, "directAccessGrantsEnabled": True,
                                        "redirectUris": ["http://127.0.0.1/*"]})

    def token(self):
        if time.monotonic() - self.minted > 30:
            self.bearer = call("POST", f"{self.keycloak.url}/realms/master/protocol/openid-connect/token", form={
                "grant_type": "client_credentials", "client_id": self.keycloak.CLIENT,
                "client_secret": self.keycloak.SECRET})["access_token"]
            self.minted = time.monotonic()
        return self.bearer

    def admin(self, method, path, body=None):
        return call(method, self.base + path, body=body, token=self.token())

    def refused(self, method, path, body=None, token=None):
        return status(method, self.base + path, body=body, token=token or self.token())

    def person(self, name, **more):
        return {"username": f"{PERSON}-{name}", "email": f"{PERSON}-{name}@example.com", "firstName": PERSON,
                "lastName": "Doe", "enabled": True, "emailVerified": True, **more}

    def create(self, name, **more):
        return self.admin("POST", "/users", self.person(name, **more))

    def with_password(self, name):
        return self.create(name, credentials=[{"type": "password", "value": f"{PERSON}-pass", "temporary": False}])

    def login(self, name, password=f"{PERSON}-pass"):
        return call("POST", f"{self.keycloak.url}/realms/{self.name}/protocol/openid-connect/token", form={
            "grant_type": "password", "client_id": "verify", "scope": "openid", "username": f"{PERSON}-{name}",
            "password": password})["access_token"]

    def save_account(self, name, token):
        call("POST", f"{self.keycloak.url}/realms/{self.name}/account", token=token, body={
            "username": f"{PERSON}-{name}", "email": f"{PERSON}-{name}@example.com", "firstName": PERSON,
            "lastName": "Changed"})

    def scim(self):
        """Switches Keycloak's own SCIM API on; its address and a token for it."""
        base = f"{self.keycloak.url}/realms/{self.name}/scim/v2"
        self.admin("PUT", "", {**self.admin("GET", ""), "scimApiEnabled": True})
        client = self.admin("POST", "/clients", {
            "clientId": "scim", "secret": "scim", "serviceAccountsEnabled": True, "protocolMappers": [{
                "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
                "config": {"included.custom.audience": base, "access.token.claim": "true"}}]})
        account = self.admin("GET", f"/clients/{client}/service-account-user")["id"]
        management = self.admin("GET", "/clients?clientId=realm-management")[0]["id"]
        role = self.admin("GET", f"/clients/{management}/roles/manage-users")
        self.admin("POST", f"/users/{account}/role-mappings/clients/{management}", [role])
        token = call("POST", f"{self.keycloak.url}/realms/{self.name}/protocol/openid-connect/token", form={
            "grant_type": "client_credentials", "client_id": "scim", "client_secret": "scim"})["access_token"]
        return f"{base}/Users", token, client

    def register(self, name, again=f"{PERSON}-pass"):
        """The form of the registration page, as a browser sends it."""
        # Like a browser on its own machine: cookies marked as secure go to 127.0.0.1 without TLS.
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        jar = http.cookiejar.CookieJar(policy)
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), NoRedirect)
        query = urllib.parse.urlencode({"client_id": "verify", "response_type": "code", "scope": "openid",
                                        "redirect_uri": "http://127.0.0.1/done"})
        page = browser.open(
            f"{self.keycloak.url}/realms/{self.name}/protocol/openid-connect/registrations?{query}", timeout=30)
        action = html.unescape(re.search(r'action="([^"]+)"', page.read().decode()).group(1))
        form = {**self.person(name), "password": f"{PERSON}-pass", "password-confirm": again}
        try:
            browser.open(action, urllib.parse.urlencode(form).encode(), timeout=30)
            return False
        except urllib.error.HTTPError as answer:
            return answer.code == 302


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
