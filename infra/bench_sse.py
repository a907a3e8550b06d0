"""Follows runs that go on with many listeners at once, over server-sent events; what they heard as JSON.

Usage: bench_sse.py URL OPERATOR ORDER PICTURE LISTENERS ORGANIZATIONS SECONDS
  OPERATOR       key of an operator; organizations, briefs and runs are made here
  ORDER          the order of a brief as JSON whose asset ids are replaced by those of PICTURE
  LISTENERS      streams in all, spread evenly over the runs; one run in each organization, because what
                 organizations share they share evenly
  SECONDS        how long is listened after the last stream has opened

Every listener has to get every event of its run once and in order. The delay is from the time in the event, which
is taken before it is committed, to its arrival here.
"""

import asyncio
import datetime
import json
import pathlib
import sys
import time
import urllib.parse
import urllib.request

url, operator, order_file, picture_file, listeners, organizations, seconds = sys.argv[1:]
listeners, organizations, seconds = int(listeners), int(organizations), float(seconds)
host = urllib.parse.urlsplit(url)
order = json.loads(pathlib.Path(order_file).read_text())
picture = pathlib.Path(picture_file).read_bytes()
number = 0


def post(path, key, body, kind="application/json"):
    global number
    number += 1
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"sse-{number}", "Content-Type": kind}
    request = urllib.request.Request(url + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def begin(index):
    """An organization with a run that goes on: its key and the run's id."""
    key = post("/v1/organizations", operator, {"name": f"Listeners {index}"})["secret"]
    asset = post("/v1/assets?name=picture.png", key, picture, "image/png")["id"]
    assets = dict.fromkeys(order["assets"], asset)
    brief = post("/v1/briefs", key, {"brief": order["brief"], "assets": assets})["id"]
    run = {"brief": brief, "generations": 4, "variants": 4, "winners": 1, "seed": index + 1}
    return key, post("/v1/runs", key, run)["id"]


class Listener:
    def __init__(self, key, run):
        self.key, self.run = key, run
        self.opened = asyncio.Event()
        self.status, self.ids, self.delays, self.ended, self.wrong = 0, [], [], False, 0

    async def listen(self):
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        try:
            writer.write(
                f"GET /v1/runs/{self.run}/events HTTP/1.1\r\nHost: {host.netloc}\r\n"
                f"Authorization: Bearer {self.key}\r\nAccept: text/event-stream\r\n\r\n".encode()
            )
            self.status = int((await reader.readline()).split()[1])
            while (await reader.readline()).strip():
                pass
            self.opened.set()
            while self.status == 200:
                line = await reader.readline()
                if not line:
                    self.ended = True
                    break
                now = time.time()
                # The lines between are the lengths of chunks, names of events, and heartbeats.
                if line.startswith(b"id: "):
                    given = int(line[4:])
                    self.wrong += given != (self.ids[-1] + 1 if self.ids else 1)
                    self.ids.append(given)
                elif line.startswith(b"data: "):
                    event = json.loads(line[6:])
                    made = datetime.datetime.fromisoformat(event["time"]).timestamp()
                    self.delays.append((made, now - made))
        finally:
            self.opened.set()
            writer.close()


def quantile(values, share):
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 1) if values else None


async def main():
    runs = [begin(index) for index in range(organizations)]
    all_of_them = [Listener(*runs[index % organizations]) for index in range(listeners)]
    begun = time.time()
    tasks = []
    for index, listener in enumerate(all_of_them):
        tasks.append(asyncio.create_task(listener.listen()))
        if index % 50 == 49:
            await listener.opened.wait()
    await asyncio.gather(*(listener.opened.wait() for listener in all_of_them))
    opened = time.time()
    await asyncio.sleep(seconds)
    heard_until = time.time()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # What was made before a listener came, it gets at once: no delay of the service.
    live = [delay for listener in all_of_them for made, delay in listener.delays if made > opened]
    of_a_run = {}
    for listener in all_of_them:
        of_a_run.setdefault(listener.run, []).append(len(listener.ids))
    print(json.dumps({
        "listeners": listeners,
        "open": sum(listener.status == 200 for listener in all_of_them),
        "opened_in_seconds": round(opened - begun, 1),
        "seconds": round(heard_until - opened, 1),
        "runs": organizations,
        "events_heard": sum(len(listener.ids) for listener in all_of_them),
        "live_events_heard": len(live),
        "delay_p50_ms": quantile(live, 0.5),
        "delay_p99_ms": quantile(live, 0.99),
        "out_of_order_or_missing": sum(listener.wrong for listener in all_of_them),
        "most_behind_another_of_the_same_run": max(max(heard) - min(heard) for heard in of_a_run.values()),
    }))


asyncio.run(main())
