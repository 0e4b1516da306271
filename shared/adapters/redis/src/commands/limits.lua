-- Takes one from each window and the mark, or nothing at all; or gives a mark back.
--
-- KEYS      the windows, then the mark if there is one
-- ARGV[1]   'enter' or 'leave'
-- enter:    ARGV[2] how many windows; then for each its limit and its milliseconds; then the mark's holder and milliseconds
-- leave:    ARGV[2] the holder
--
-- enter answers the verdict, 'A' admitted, 'E<index>' exhausted (from 0), 'F<holder>' in flight; then for each window
-- '<remaining> <milliseconds to its end>'.

if ARGV[1] == 'leave' then
    if redis.call('GET', KEYS[1]) == ARGV[2] then redis.call('DEL', KEYS[1]) end
    return {}
end

local count = tonumber(ARGV[2])
local limits, taken, left_ms = {}, {}, {}
local verdict = 'A'
for i = 1, count do
    local window_ms = tonumber(ARGV[2 * i + 2])
    limits[i], taken[i] = tonumber(ARGV[2 * i + 1]), 0
    left_ms[i] = redis.call('PTTL', KEYS[i])
    if left_ms[i] > window_ms or left_ms[i] == -1 then
        -- The window was longer before, or has no end.
        redis.call('PEXPIRE', KEYS[i], window_ms)
        left_ms[i] = window_ms
    end
    if left_ms[i] < 0 then
        left_ms[i] = window_ms
    else
        taken[i] = tonumber(redis.call('GET', KEYS[i])) or 0
    end
    if verdict == 'A' and taken[i] >= limits[i] then verdict = 'E' .. (i - 1) end
end

local mark = KEYS[count + 1]
local holder = ARGV[2 * count + 3]
if mark and verdict == 'A' then
    local held = redis.call('GET', mark)
    if held and held ~= holder then verdict = 'F' .. held end
end

if verdict == 'A' then
    for i = 1, count do
        taken[i] = taken[i] + 1
        if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 2]) end
    end
    if mark then redis.call('SET', mark, holder, 'PX', ARGV[2 * count + 4]) end
end

local answer = { verdict }
for i = 1, count do
    answer[i + 1] = string.format('%.0f %.0f', math.max(0, limits[i] - taken[i]), math.max(1, left_ms[i]))
end
return answer
