-- Commands of AgentGate: submissions of many organizations in turn, and a cancel of each run that was made.
-- LOAD_KEYS: a file with a key in each line. COMMANDS=create: submissions only. DELAY_MS: each connection pauses for so
-- long, on average, before a request.
local pause_ms = tonumber(os.getenv("DELAY_MS") or "0")
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  keys = {}
  for key in io.lines(os.getenv("LOAD_KEYS")) do
    keys[#keys + 1] = { Authorization = "Bearer " .. key, ["Content-Type"] = "application/json" }
  end
  creates = os.getenv("COMMANDS") == "create"
  math.randomseed(os.time() + number)
  at = math.random(#keys)
  open, oldest, newest = {}, 1, 0
end

function request()
  local run = open[oldest]
  if run then
    open[oldest] = nil
    oldest = oldest + 1
    return wrk.format("POST", "/v1/runs/" .. run.id .. "/cancel", keys[run.at], "")
  end
  at = at % #keys + 1
  local body = '{"taskPrompt":"Add a health check to the service and a test that shows it.","maxIterations":3,'
    .. '"workspaceSource":{"type":"git","repository":"https://github.com/example/app","branch":"main"},'
    .. '"tenantContext":{"tenantId":"acme","tenantUserId":"user-17"},"metadata":{"at":' .. at .. "}}"
  return wrk.format("POST", "/v1/work-orders", keys[at], body)
end

function response(status, _, body)
  if status == 201 and not creates then
    local id, of = body:match('"runId":"([^"]+)"'), body:match('"at":(%d+)')
    newest = newest + 1
    open[newest] = { id = id, at = tonumber(of) }
  end
end

if pause_ms > 0 then
  function delay()
    return math.random(0, 2 * pause_ms)
  end
end
