-- One ping per request; the server mints the run id.
function init()
  wrk.method = "GET"
  wrk.path = "/v1/ping?agent=bench&key=" .. os.getenv("LOAD_KEY")
end
