-- Fresh ids: the current time in the first 48 bits, then the thread, a counter and the load's own number.
local ids = {}
local thread, counter, load = 0, 0, 0

function ids.setup(thread_number)
  thread = thread_number
  load = os.time() % 65536
end

function ids.fresh(prefix)
  counter = counter + 1
  local seconds = os.time()
  local high = math.floor(seconds * 1000 / 4294967296)
  local low = seconds * 1000 % 4294967296
  return string.format("%s_eu_%04x%08x7%03x8%03x%04x%08x", prefix, high, low, thread, 0, load, counter)
end

return ids
