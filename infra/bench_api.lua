-- For wrk: orders a brief with every request, each under an idempotency key of its own; or, with BENCH_PATH, reads
-- that address. Environment: BENCH_KEY (API key), BENCH_BODY (file with the order), BENCH_RUN (part of every key),
-- BENCH_DELAY (mean wait in milliseconds before each request of a connection; 0 for none).
local body, run = nil, os.getenv("BENCH_RUN")
local path = os.getenv("BENCH_PATH")
local bearer = "Bearer " .. os.getenv("BENCH_KEY")
local number, thread = 0, 0
local wait = tonumber(os.getenv("BENCH_DELAY") or "0")

if wait > 0 then
    -- Between nothing and twice the mean, so that the connections do not fall into step.
    function delay()
        return math.floor(math.random() * 2 * wait + 0.5)
    end
end

function setup(worker)
    worker:set("worker_number", thread)
    thread = thread + 1
end

function init()
    if path then return end
    local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
    body = file:read("*a")
    file:close()
end

function request()
    if path then
        return wrk.format("GET", path, { ["Authorization"] = bearer })
    end
    number = number + 1
    return wrk.format("POST", "/v1/briefs", {
        ["Authorization"] = bearer,
        ["Content-Type"] = "application/json",
        ["Idempotency-Key"] = run .. "-" .. worker_number .. "-" .. number,
    }, body)
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "per_second": %.1f, "p50_ms": %.2f, "p99_ms": %.2f, "errors": %d}\n',
        summary.requests, summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
