-- One run start per request, each with a fresh id.
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
  wrk.path = "/v1/runs"
  wrk.headers["Authorization"] = "Bearer " .. os.getenv("LOAD_KEY")
  wrk.headers["Content-Type"] = "application/json"
  rest = '","agent":"bench","started_at":"2026-05-15T14:32:01.123Z","customer_id":"acme","feature":"nightly",'
    .. '"metadata":{"host":"worker-17","attempt":1,"commit":"9f1c2e7a5b","queue":"default","region":"eu-west-1"},'
    .. '"goal":"Summarise the new tickets of the day and post the summary to the channel"}'
end

function request()
  return wrk.format(nil, nil, nil, '{"id":"' .. ids.fresh("run") .. rest)
end
