"""Makes one of everything that the API takes an id of, and writes the settings of Schemathesis with them.

Usage: seed.py URL KEY OPERATOR PROGRAM EXAMPLE SETTINGS > OUT
  KEY       of an organization that has played a campaign and imported results, as `client.py` leaves one
  OPERATOR  the key of an operator, who makes an organization to be frozen and emptied
  PROGRAM   the built `spotwright`, which turns the example's brief into JSON
  EXAMPLE   a folder with `brief.yaml` and its pictures
  SETTINGS  the settings that stay as they are; those with the ids follow them

Without ids nearly every request of a made-up one would end with 404, and nothing behind it would be looked at.
"""

import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request

url, key, operator, program, example, settings = sys.argv[1:]
folder = pathlib.Path(example)
number = 0


def ask(method, path, body=None, kind="application/json", key=key):
    """Sends a request; the answer's JSON."""
    global number
    number += 1
    headers = {"Idempotency-Key": f"seed-{number}", "Content-Type": kind}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


checked = subprocess.run([program, "check", str(folder / "brief.yaml"), "--json"], check=True, capture_output=True)
brief = json.loads(checked.stdout)["document"]
assets = {}
for picture in brief["product"]["pictures"]:
    name = picture["file"]
    made = ask("POST", f"/v1/assets?name={name}", (folder / name).read_bytes(), "image/png")
    assets[name] = made["id"]
brief_id = ask("POST", "/v1/briefs", {"brief": brief, "assets": assets})["id"]
# It waits for a person after its scripts are written, so nothing is rendered meanwhile.
order = {"brief": brief_id, "generations": 1, "variants": 2, "winners": 1, "approval": "scripts"}
run = ask("POST", "/v1/runs", order)["id"]
for _ in range(240):
    if ask("GET", f"/v1/runs/{run}")["stage"] == "waiting_for_approval":
        break
    time.sleep(0.5)
else:
    sys.exit("the run's scripts were not written within two minutes")
variant = ask("GET", f"/v1/runs/{run}/variants")["data"][0]["id"]
comment = ask("POST", f"/v1/variants/{variant}/comments", {"text": "later"})["id"]
share = ask("POST", "/v1/shares", {"name": "seed", "run": run, "scope": "approve"})
brand = ask("POST", "/v1/brands", {"kit": brief["brand"], "facts": brief["product"]["facts"]})["id"]
hook = {"url": "https://hooks.example.com/x", "name": "seed", "events": ["spotwright.run.finished.v1"]}
webhook = ask("POST", "/v1/webhooks", hook)["webhook"]["id"]
narrow = ask("POST", "/v1/api-keys", {"name": "seed", "scopes": ["runs:read"]})["key"]["id"]
campaign = ask("GET", "/v1/campaigns")["data"][0]["id"]
ad = ask("GET", f"/v1/campaigns/{campaign}/ads")["data"][0]["id"]
imported = ask("GET", "/v1/imports")["data"][0]["id"]
wanted = {"kind": "performance", "format": "json", "filters": {"source": "simulated"}}
report = ask("POST", "/v1/reports", wanted)["report"]["id"]
played = campaign.rsplit("-g", 1)[0]
placed = ask("GET", f"/v1/runs/{played}/variants?state=won")["data"]
planned = {
    "name": "seed", "run": played, "hypothesis": "the first line matters", "primary": "ctr",
    "arms": [{"variant": row["id"]} for row in placed],
}
experiment = ask("POST", "/v1/experiments", planned)["id"]
video = ask("POST", "/v1/videos", {"prompt": "a cup", "seconds": "4", "size": "720x1280"})["id"]
other = ask("POST", "/v1/organizations", {"name": "To be frozen"}, key=operator)
invited = ask("POST", "/v1/invitations", {"email": "seed@example.com", "name": "Seed", "role": "viewer"})
open_one = ask("POST", "/v1/invitations", {"email": "open@example.com", "role": "viewer"})["invitation"]["id"]
accepted = {"token": invited["token"], "password": "correct horse battery"}
member = ask("POST", "/v1/invitations/accept", accepted, key=None)["session"]["person"]["id"]

ids = {
    "assets": list(assets.values())[-1],
    "briefs": brief_id,
    "runs": run,
    "variants": variant,
    "comments": comment,
    "shares": share["share"]["id"],
    "brands": brand,
    "webhooks": webhook,
    "api-keys": narrow,
    "members": member,
    "invitations": open_one,
    "campaigns": campaign,
    "ads": ad,
    "imports": imported,
    "reports": report,
    "operations": report,
    "experiments": experiment,
    "videos": video,
}
print(pathlib.Path(settings).read_text())
for resource, value in ids.items():
    print(f"[[operations]]\ninclude-path-regex = '^/v1/{resource}/\\{{id\\}}'\nparameters = {{ id = '{value}' }}\n")
of_operators = f"{{ id = '{other['organization']['id']}', key = '{other['key']['id']}' }}"
print(f"[[operations]]\ninclude-path-regex = '^/v1/organizations/\\{{id\\}}'\nparameters = {of_operators}\n")
shared = f"{{ token = '{share['token']}', id = '{variant}' }}"
print(f"[[operations]]\ninclude-path-regex = '^/v1/shared/'\nparameters = {shared}\n")
