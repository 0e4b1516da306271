-- Fifty events per request, each with a fresh id, of one fresh run per twenty requests.
package.path = (os.getenv("WRK_LUA") or ".") .. "/?.lua;" .. package.path
local ids = require("ids")
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  ids.setup(number)
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("LOAD_KEY")
  wrk.headers["Content-Type"] = "application/json"
  rest = '","type":"llm_call","ts":"2026-05-15T14:32:01.123Z","data":{"provider":"anthropic","model":"claude-sonnet-4-5",'
    .. '"input_tokens":2140,"output_tokens":312,"cached_input_tokens":1800,"latency_ms":1834,"finish_reason":"stop",'
    .. '"tool_calls":0,"step":3}}'
  served = 0
end

function request()
  if served % 20 == 0 then run = ids.fresh("run") end
  served = served + 1
  local events = {}
  for at = 1, 50 do
    events[at] = '{"external_id":"' .. ids.fresh("evt") .. rest
  end
  return wrk.format(nil, "/v1/runs/" .. run .. "/events", nil, '{"events":[' .. table.concat(events, ",") .. "]}")
end
