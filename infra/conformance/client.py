"""Drives a served API through the client that is generated from its description: from the operator's key to
a placed winner and an imported result, with types all the way.

Usage: client.py URL OPERATOR PROGRAM EXAMPLE > KEY
  OPERATOR  the key of an operator; the organization and its key are made here
  PROGRAM   the built `spotwright`, which turns the example's brief into JSON
  EXAMPLE   a folder with `brief.yaml` and its pictures
  KEY       the key of the organization that was made, for those who look on

`spotwright_client` is found by PYTHONPATH. Every answer has to be of a type that the description names, hold no
field that it does not name, and say the same when it is written again.
"""

import datetime
import importlib
import io
import json
import pathlib
import pkgutil
import subprocess
import sys
import time
import uuid

import attrs
import spotwright_client
from spotwright_client import AuthenticatedClient, Client
from spotwright_client.api.assets import create_asset
from spotwright_client.api.briefs import create_brief
from spotwright_client.api.campaigns import list_ads, list_campaigns
from spotwright_client.api.money import get_usage
from spotwright_client.api.organizations import create_organization
from spotwright_client.api.results import create_import, list_observations, set_external_refs
from spotwright_client.api.runs import create_run, get_run, list_runs
from spotwright_client.api.service import ready
from spotwright_client.api.variants import get_storyboard, get_variant, get_variant_file, list_variants
from spotwright_client.models import (
    Brief,
    BriefOrder,
    BriefOrderAssets,
    ExternalRefs,
    ExternalRefView,
    ListObservationsSource,
    OrganizationOrder,
    ProblemDocument,
    RunEstimateView,
    RunRequestBody,
)
from spotwright_client.types import File

url, operator, program, example = sys.argv[1:]
folder = pathlib.Path(example)
# A run on a busy machine that is not optimized; longer means that something is wrong.
LONGEST = 600


def everything():
    """Imports every module of the client: how many there are."""
    modules = pkgutil.walk_packages(spotwright_client.__path__, "spotwright_client.")
    return sum(1 for module in modules if importlib.import_module(module.name))


def plain(value):
    """JSON without what may be written in two ways: times, and fields that are absent or null."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and value[10:11] == "T":
        try:
            return datetime.datetime.fromisoformat(value).timestamp()
        except ValueError:
            return value
    return value


def unnamed(value, at=""):
    """Fields of an answer that its description does not name."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from unnamed(inner, f"{at}[{number}]")
    elif attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value)) if field.name != "additional_properties"]
        if names:
            for name in getattr(value, "additional_properties", {}):
                yield f"{at}.{name}"
        for name in names:
            yield from unnamed(getattr(value, name), f"{at}.{name}")


def asked(operation, *arguments, status, **options):
    """Calls an operation; its typed answer."""
    response = operation.sync_detailed(*arguments, **options)
    name = operation.__name__.rsplit(".", 1)[-1]
    if response.status_code != status:
        sys.exit(f"{name}: {response.status_code} {response.content[:2000].decode(errors='replace')}")
    answer = response.parsed
    if answer is None:
        sys.exit(f"{name}: the description has no type for {status}")
    if attrs.has(type(answer)) and not isinstance(answer, File):
        said = json.loads(response.content)
        extra = list(unnamed(answer, type(answer).__name__))
        if extra:
            sys.exit(f"{name}: fields that the description does not name: {', '.join(extra)}")
        if plain(answer.to_dict()) != plain(said):
            sys.exit(f"{name}: {answer.to_dict()} was read from {said}")
    return answer


def key():
    """A new idempotency key."""
    return str(uuid.uuid4())


print(f"{everything()} modules", file=sys.stderr)
asked(ready, client=Client(base_url=url), status=200)
founding = AuthenticatedClient(base_url=url, token=operator)
order = OrganizationOrder(name="Generated client")
founded = asked(create_organization, client=founding, body=order, idempotency_key=key(), status=201)
client = AuthenticatedClient(base_url=url, token=founded.secret)

checked = subprocess.run([program, "check", str(folder / "brief.yaml"), "--json"], check=True, capture_output=True)
document = json.loads(checked.stdout)["document"]
assets = BriefOrderAssets()
for picture in document["product"]["pictures"]:
    name = picture["file"]
    body = File(payload=io.BytesIO((folder / name).read_bytes()))
    made = asked(create_asset, client=client, body=body, name=name, idempotency_key=key(), status=201)
    assets[name] = made.id
order = BriefOrder(brief=Brief.from_dict(document), assets=assets)
brief = asked(create_brief, client=client, body=order, idempotency_key=key(), status=201)

order = RunRequestBody(brief=brief.id, generations=1, variants=4, winners=2, seed=1)
estimate = asked(create_run, client=client, body=order, dry_run="estimate", idempotency_key=key(), status=200)
assert isinstance(estimate, RunEstimateView), estimate
again = key()
run = asked(create_run, client=client, body=order, idempotency_key=again, status=201)
assert asked(create_run, client=client, body=order, idempotency_key=again, status=201).id == run.id
missing = asked(get_run, uuid.uuid4(), client=client, status=404)
assert isinstance(missing, ProblemDocument) and missing.request_id, missing

until = time.monotonic() + LONGEST
while run.stage != "finished":
    if time.monotonic() > until:
        sys.exit(f"the run is in {run.stage} after {LONGEST} s")
    time.sleep(1)
    run = asked(get_run, run.id, client=client, status=200)
assert run.counts.placed + run.counts.observed > 0, run.counts
assert [one.id for one in asked(list_runs, client=client, status=200).data] == [run.id]

won = asked(list_variants, run.id, client=client, state="won", status=200).data
won = won or [one for one in asked(list_variants, run.id, client=client, status=200).data if one.state == "observed"]
winner = asked(get_variant, won[0].id, client=client, status=200)
asked(get_storyboard, winner.id, client=client, status=200)
video = asked(get_variant_file, winner.id, "video", client=client, status=200).payload.read()
assert video[4:8] == b"ftyp", video[:16]
part = asked(get_variant_file, winner.id, "video", client=client, range_="bytes=4-7", status=206)
assert part.payload.read() == b"ftyp"
campaign = asked(list_campaigns, client=client, run=run.id, status=200).data[0]
assert winner.id in [ad.variant for ad in asked(list_ads, campaign.id, client=client, status=200).data]

named = ExternalRefs(external_refs=[ExternalRefView(platform="tiktok", account="act_1", id="1799")])
asked(set_external_refs, winner.id, client=client, body=named, status=200)
report = b"Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n"
report += b"Autumn,Hook A,1799,2026-09-07,148.60,12480,211\n"
said = {"client": client, "name": "september.csv", "currency": "EUR", "time_zone": "Europe/Berlin"}
for dry_run, status in [(True, 200), (False, 201)]:
    body = File(payload=io.BytesIO(report))
    taken = asked(create_import, **said, body=body, dry_run=dry_run, idempotency_key=key(), status=status)
    assert taken.matched == 1 and not taken.asked, taken
for source, clicks in [(ListObservationsSource.IMPORTED, 211), (ListObservationsSource.SIMULATED, None)]:
    rows = asked(list_observations, client=client, source=source, variant=winner.id, status=200).data
    assert rows and (clicks is None or rows[0].clicks == clicks), rows
asked(get_usage, client=client, status=200)
print(founded.secret)
print("the generated client got from a key to a winner and an imported result", file=sys.stderr)
