-- One call of one team: several operations, judged in order, all or nothing each, all in one atomic step.
--
-- KEYS[1]   the team's state, a hash: s since when it remembers, b rate bucket, u counts by month, p units at stake, n
--           number of agents, a<slug> who names that agent (0: a record on the log; else requests under way: how many
--           in the low 15 bits, above them the second in which the latest one did, 0 where an older release wrote it).
-- KEYS[2..] buckets of claims, hashes: ids of one kind born in the same 256 ms; field: the last 11 bytes of the id.
-- ARGV[1]   header; ARGV[2] per bucket how many of the fields are its own and when its first id was born;
--           then the fields of all buckets, the agents, the operations.
--
-- A claim: main fingerprint (8 bytes, never a number), time of claim or renewal (6), holders (2; 0: confirmed; the
-- top bit: a second fingerprint follows), the second fingerprint (8), the answer. Numbers stay below 2^53.
--
-- Units at stake: all that were ever admitted (7), when last (6), up to when they are settled (6), and at two
-- high-water marks, the later one first: when (6), and how many were admitted before (7).
--
-- Time is this server's, moved by the header's offset: front doors' clocks are never compared with one another. Only
-- where the header says so (tests do) it is what each operation says.
-- Operations and answers are as written and read in packing.rs and answers.rs.

local get, put, sub, byte = struct.unpack, struct.pack, string.sub, string.byte
local min, max = math.min, math.max

local MICRO, MOST, FULL = 1000000, 9007199254740991, 65536
local CLOCK_SET_BACK_MS, FUTURE_SLACK_MS, MARGIN_MS = 60000, 120000, 900000
local AHEAD_WINDOWS, MOST_HOLDERS, DETAIL_BIT, CHUNK = 7, 32767, 32768, 1000
local CLIENTS_AHEAD_MS, NEW_TEAM_MS, MARK_EVERY_MS = 120000, 60000, 30000

local window_ms, team_ttl_ms, bucket_count, agent_count, asks_time, moved_ms = get('>I6I6I4I4Bi8', ARGV[1])

local server_now
if asks_time == 0 then
    local time = redis.call('TIME')
    server_now = max(0, time[1] * 1000 + math.floor(time[2] / 1000) + moved_ms)
end

local function read(key, from, to, into)
    while from <= to do
        local last = min(from + CHUNK - 1, to)
        local found = redis.call('HMGET', key, unpack(ARGV, from, last))
        for i = 1, #found do into[#into + 1] = found[i] end
        from = last + 1
    end
end

local function each_chunk(command, key, words)
    for from = 1, #words, CHUNK do
        redis.call(command, key, unpack(words, from, min(from + CHUNK - 1, #words)))
    end
end

-- What is there.

local claims, birth, bucket_of, sizes, ttl_ms, changed = {}, {}, {}, {}, {}, {}
local first_field = 3
local next_arg = first_field
for bucket = 1, bucket_count do
    local count, born = get('>I4I6', ARGV[2], (bucket - 1) * 10 + 1)
    read(KEYS[bucket + 1], next_arg, next_arg + count - 1, claims)
    for arg = next_arg, next_arg + count - 1 do
        local slot = arg - first_field + 1
        birth[slot], bucket_of[slot] = born + byte(ARGV[arg], 1), bucket
    end
    next_arg = next_arg + count
end
local first_agent, agents, agent_changed, agent_fields = next_arg, {}, {}, {}
for slot = 1, agent_count do agent_fields[slot] = ARGV[first_agent + slot - 1] end
local state = redis.call('HMGET', KEYS[1], 's', 'b', 'u', 'n', 'p')
read(KEYS[1], first_agent, first_agent + agent_count - 1, agents)
next_arg = first_agent + agent_count

local since = state[1] and get('>I6', state[1])
local level, as_of
if state[2] then level, as_of = get('>I7I6', state[2]) end
local agents_known = tonumber(state[4] or 0)
local months, month_order = {}, {}
if state[3] then
    for at = 1, #state[3], 11 do
        local month, events = get('>i4I7', state[3], at)
        months[month] = events
        month_order[#month_order + 1] = month
    end
end
local admitted, last_at, settled_to, mark_at, mark, mark_before_at, mark_before = 0, 0, 0, 0, 0, 0, 0
if state[5] then
    admitted, last_at, settled_to, mark_at, mark, mark_before_at, mark_before = get('>I7I6I6I6I7I6I7', state[5])
end
local since_changed, rate_changed, months_changed, stake_changed = false, false, false, false

-- Counts of the latest few months.
local function count(month, change)
    if not months[month] then
        if #month_order == 3 then
            local oldest = 1
            for i = 2, 3 do if month_order[i] < month_order[oldest] then oldest = i end end
            months[month_order[oldest]] = nil
            table.remove(month_order, oldest)
        end
        month_order[#month_order + 1] = month
        months[month] = 0
    end
    months[month] = min(MOST, change(months[month]))
    months_changed = true
end

-- Units that may be on the log now.
local function stake(units, now)
    if units == 0 then return end
    if mark_at == 0 or now - mark_at >= MARK_EVERY_MS then
        mark_before_at, mark_before, mark_at, mark = mark_at, mark, now, admitted
    end
    admitted, last_at, stake_changed = min(MOST, admitted + units), max(last_at, now), true
end

-- The most units that were admitted after a time, or nil where that is not known any more.
local function staked_since(up_to)
    if last_at <= up_to then return 0 end
    if mark_at > 0 and mark_at <= up_to then return admitted - mark end
    if mark_before_at > 0 and mark_before_at <= up_to then return admitted - mark_before end
    return nil
end

-- One token of the bucket, or the seconds until there is one.
local function take_token(now, refill, capacity)
    if not level then level, as_of = capacity, now end
    level = min(capacity, level + max(0, now - as_of) * refill)
    if as_of - now > CLOCK_SET_BACK_MS then as_of = now else as_of = max(as_of, now) end
    rate_changed = true
    if level >= MICRO then
        level = level - MICRO
        return nil
    end
    return max(1, math.ceil((MICRO - level) / (refill * 1000)))
end

-- Claims.

local function renewed_and_holders(claim)
    local at, holders = get('>I6I2', claim, 9)
    if holders >= DETAIL_BIT then return at, holders - DETAIL_BIT, true end
    return at, holders, false
end

-- The claim of a slot with its age, unless its window is over.
local function find(slot, now)
    local claim = claims[slot]
    if not claim then return nil end
    local at, holders, has_detail = renewed_and_holders(claim)
    if holders == 0 and max(at, birth[slot]) + window_ms <= now then return nil end
    return claim, at, holders, has_detail
end

local function matches(claim, has_detail, main, detail)
    if sub(claim, 1, 8) ~= main then return false end
    return not has_detail or not detail or sub(claim, 17, 24) == detail
end

local function answer_of(claim, has_detail)
    local answer = sub(claim, has_detail and 25 or 17)
    return put('>I4', #answer) .. answer
end

local function is_full(bucket)
    if not sizes[bucket] then sizes[bucket] = redis.call('HLEN', KEYS[bucket + 1]) end
    return sizes[bucket] >= FULL
end

-- Whether the store is to be read about an id: no, wanted (the gate lost its memory), needed.
local function out_of_memory(slot, now)
    if birth[slot] <= now - window_ms then return 2 end
    return birth[slot] < since and 1 or 0
end

local function forgotten(slot, now)
    if birth[slot] > now + FUTURE_SLACK_MS or is_full(bucket_of[slot]) then return 2 end
    return out_of_memory(slot, now)
end

-- Keeps a bucket until its youngest claim is over. Ids born far ahead must not be kept for years.
local function keep(slot, at, now)
    local bucket = bucket_of[slot]
    local from = max(at, min(birth[slot], at + AHEAD_WINDOWS * window_ms))
    ttl_ms[bucket] = max(ttl_ms[bucket] or 0, from - now + window_ms + MARGIN_MS)
    changed[slot] = true
end

local function claim_anew(slot, main, detail, answer, now)
    local bucket = bucket_of[slot]
    if not claims[slot] then
        -- A full bucket takes no more: the store decides about what it does not hold.
        if is_full(bucket) then return end
        sizes[bucket] = sizes[bucket] + 1
    end
    claims[slot] = main .. put('>I6I2', now, detail and DETAIL_BIT + 1 or 1) .. (detail or '') .. answer
    keep(slot, now, now)
end

-- One more holder; the age starts again, which always shows. Returns when it was claimed or joined before.
local function join(slot, now)
    local claim = claims[slot]
    local before, holders, has_detail = renewed_and_holders(claim)
    local at = max(now, before + 1)
    if holders < MOST_HOLDERS then holders = holders + 1 end
    claims[slot] = sub(claim, 1, 8) .. put('>I6I2', at, holders + (has_detail and DETAIL_BIT or 0)) .. sub(claim, 17)
    keep(slot, at, now)
    return before
end

local function set_holders(slot, at, holders, has_detail)
    local claim = claims[slot]
    claims[slot] = sub(claim, 1, 8) .. put('>I6I2', at, holders + (has_detail and DETAIL_BIT or 0)) .. sub(claim, 17)
    changed[slot] = true
end

-- Calls `change` for each claim of a ticket that is unconfirmed and still of the content that was held.
local function each_held(op, pos, held_count, change)
    for _ = 1, held_count do
        local slot, main, has_detail, detail
        slot, main, has_detail, detail, pos = get('>I4c8Bc8', op, pos)
        local claim = claims[slot]
        if claim then
            local at, holders, claim_has_detail = renewed_and_holders(claim)
            if holders > 0 and matches(claim, claim_has_detail, main, has_detail == 1 and detail) then
                change(slot, at, holders, claim_has_detail)
            end
        end
    end
end

-- Agents.

local function set_agent(agent, holders)
    if not agents[agent] and holders then agents_known = agents_known + 1 end
    if agents[agent] and not holders then agents_known = agents_known - 1 end
    agents[agent] = holders and string.format('%.0f', holders) or false
    agent_changed[agent] = true
end

local function naming(value)
    local number = tonumber(value or 0)
    local holders = number % DETAIL_BIT
    return holders, (number - holders) / DETAIL_BIT
end

-- Whether the request is to hold the agent: no record on the log names it yet.
local function name_agent(agent, now)
    if agents[agent] == '0' then return false end
    local holders, named_s = naming(agents[agent])
    named_s = max(named_s, math.ceil(now / 1000))
    set_agent(agent, named_s * DETAIL_BIT + min(MOST_HOLDERS, holders + 1))
    return true
end

-- The operations.

local run = {}

function run.admit(op)
    if not since then return 'S' end
    local now, month, has_rate, refill, capacity, has_cap, cap, is_capped, agent_cap, agent, units, claim_count,
        read_count, pos = get('>I6i4BI7I7BI7BI4I4I4I4I4', op, 2)
    now = server_now or now
    if has_rate == 1 then
        local wait_s = take_token(now, refill, capacity)
        if wait_s then return 'R' .. put('>I4', wait_s) end
    end
    local used = months[month] or 0
    if has_cap == 1 and used >= cap then return 'Q' .. put('>I7I6', used, now) end
    if is_capped == 1 and agents_known >= agent_cap and not agents[agent] then
        return 'C' .. put('>I4I6', agent_cap, now)
    end

    local outcomes, take, blocked, again = {}, {}, false, 0
    for i = 1, claim_count do
        local slot, main, has_detail, detail, mode, seen_at, claim_units, answer_bytes, answer
        slot, main, has_detail, detail, mode, seen_at, claim_units, answer_bytes, pos = get('>I4c8Bc8BI6I4I4', op, pos)
        answer, pos = sub(op, pos, pos + answer_bytes - 1), pos + answer_bytes
        detail = has_detail == 1 and detail
        local claim, at, holders, claim_has_detail = find(slot, now)
        if not claim then
            outcomes[i] = 'n' .. put('B', forgotten(slot, now))
            take[#take + 1] = { slot, main, detail, answer, claim_units }
        else
            local same = matches(claim, claim_has_detail, main, detail)
            if holders == 0 then
                outcomes[i] = (same and 'r' or 'c') .. answer_of(claim, claim_has_detail)
                blocked = blocked or not same
            elseif same and mode == 1 then
                outcomes[i] = 'j' .. put('B', out_of_memory(slot, now)) .. answer_of(claim, claim_has_detail)
                take[#take + 1] = { slot, joins = true, units = claim_units }
            elseif mode == 2 and seen_at == at then
                -- Who takes over has just asked the store, and the units were counted when the claim was made.
                outcomes[i] = 'n' .. put('B', 0)
                local is_settled = at <= settled_to
                take[#take + 1] = { slot, main, detail, answer, is_settled and claim_units or 0 }
                if not is_settled then again = again + claim_units end
            else
                outcomes[i] = (same and 'u' or 'U') .. put('>I6I6', at, max(0, now - at)) .. answer_of(claim, claim_has_detail)
                blocked = true
            end
        end
    end
    local reads = {}
    for i = 1, read_count do
        local slot
        slot, pos = get('>I4', op, pos)
        local claim, _, _, has_detail = find(slot, now)
        reads[i] = claim and 'p' .. answer_of(claim, has_detail) or '-'
    end
    local told = table.concat(outcomes) .. table.concat(reads)
    if blocked then return 'H' .. told end

    for i = 1, #take do
        local new = take[i]
        if new.joins then
            -- What was given back since counts again.
            if join(new[1], now) <= settled_to then units = units + new.units else again = again + new.units end
        else
            units = units + new[5]
            claim_anew(new[1], new[2], new[3], new[4], now)
        end
    end
    if units > 0 then count(month, function(events) return events + units end) end
    stake(units + again, now)
    local adds = #take > 0 or claim_count == 0 and units > 0
    local holds_agent = adds and agent > 0 and name_agent(agent, now)
    return 'A' .. put('>I4BI6', units, holds_agent and 1 or 0, now) .. told
end

function run.confirm(op)
    local agent, held_count, pos = get('>I4I4', op, 2)
    each_held(op, pos, held_count, function(slot, at, _, has_detail) set_holders(slot, at, 0, has_detail) end)
    if since and agent > 0 then set_agent(agent, 0) end
    return ''
end

function run.release(op)
    local agent, units, month, admitted_at, held_count, pos = get('>I4I4i4I6I4', op, 2)
    each_held(op, pos, held_count, function(slot, at, holders, has_detail)
        if holders > 1 then
            set_holders(slot, at, holders < MOST_HOLDERS and holders - 1 or holders, has_detail)
        else
            claims[slot], changed[slot] = false, true
            local bucket = bucket_of[slot]
            if sizes[bucket] then sizes[bucket] = sizes[bucket] - 1 end
        end
    end)
    if not since then return '' end
    -- What is settled is given back already.
    if units > 0 and admitted_at > settled_to then
        count(month, function(events) return max(0, events - units) end)
    end
    if agent > 0 and agents[agent] and agents[agent] ~= '0' then
        local holders, named_s = naming(agents[agent])
        set_agent(agent, holders > 1 and named_s * DETAIL_BIT + holders - 1 or nil)
    end
    return ''
end

function run.seed(op)
    local now, team_born, may_be_new, has_usage, month, events, named_count, pos = get('>I6I6BBi4I7I4', op, 2)
    now = server_now or now
    if not since then
        -- Of a new team there was nothing to forget; 0 is no mark.
        local is_new = may_be_new == 1 and math.abs(now - team_born) < NEW_TEAM_MS
        since, since_changed = is_new and 0 or now + CLIENTS_AHEAD_MS, true
    end
    if has_usage == 1 then count(month, function(counted) return max(counted, events) end) end
    for _ = 1, named_count do
        local agent
        agent, pos = get('>I4', op, pos)
        set_agent(agent, 0)
    end
    return ''
end

-- What was taken up to a time and is not stored is given back, by what the store has after that is applied.
function run.settle(op)
    if not since then return '' end
    local now, up_to, has_usage, month, events, named_count, pos = get('>I6I6Bi4I7I4', op, 2)
    now = server_now or now
    for _ = 1, named_count do
        local agent
        agent, pos = get('>I4', op, pos)
        set_agent(agent, 0)
    end
    local slot_of = {}
    for slot = 1, #agent_fields do slot_of[agent_fields[slot]] = slot end
    local fields = redis.call('HGETALL', KEYS[1])
    for at = 1, #fields, 2 do
        local field = fields[at]
        if byte(field, 1) == 97 and not slot_of[field] then
            agent_fields[#agent_fields + 1] = field
            slot_of[field] = #agent_fields
            agents[#agent_fields] = fields[at + 1]
        end
    end
    for slot = 1, #agent_fields do
        local holders, named_s = naming(agents[slot])
        if agents[slot] and agents[slot] ~= '0' then
            if named_s == 0 then
                set_agent(slot, math.ceil(now / 1000) * DETAIL_BIT + holders)
            elseif named_s * 1000 <= up_to then
                set_agent(slot, nil)
            end
        end
    end
    local staked = has_usage == 1 and staked_since(up_to)
    if staked then
        count(month, function(counted) return min(counted, events + staked) end)
        settled_to, stake_changed = max(settled_to, up_to), true
    end
    return ''
end

function run.usage(op)
    if not since then return '-' end
    return 'u' .. put('>I7', months[get('>i4', op, 2)] or 0)
end

function run.agents()
    if not since then return '-' end
    return 'u' .. put('>I7', agents_known)
end

function run.forget(op)
    local agent = get('>I4', op, 2)
    if since and agents[agent] then set_agent(agent, nil) end
    return ''
end

local by_letter = {
    a = run.admit, c = run.confirm, r = run.release, s = run.seed, t = run.settle, u = run.usage,
    n = run.agents, f = run.forget
}
local answers = {}
for arg = next_arg, #ARGV do
    answers[#answers + 1] = by_letter[sub(ARGV[arg], 1, 1)](ARGV[arg])
end

-- What has changed.

local sets, deletes = {}, {}
for bucket = 1, bucket_count do sets[bucket], deletes[bucket] = {}, {} end
for slot in pairs(changed) do
    local field = ARGV[first_field + slot - 1]
    if claims[slot] then
        local words = sets[bucket_of[slot]]
        words[#words + 1], words[#words + 2] = field, claims[slot]
    else
        local words = deletes[bucket_of[slot]]
        words[#words + 1] = field
    end
end
for bucket = 1, bucket_count do
    each_chunk('HSET', KEYS[bucket + 1], sets[bucket])
    each_chunk('HDEL', KEYS[bucket + 1], deletes[bucket])
    if ttl_ms[bucket] then redis.call('PEXPIRE', KEYS[bucket + 1], string.format('%.0f', ttl_ms[bucket])) end
end
if since then
    local words, gone, agents_changed = {}, {}, false
    local function set(field, value) words[#words + 1], words[#words + 2] = field, value end
    if since_changed then set('s', put('>I6', since)) end
    if rate_changed then set('b', put('>I7I6', level, as_of)) end
    if stake_changed then
        set('p', put('>I7I6I6I6I7I6I7', admitted, last_at, settled_to, mark_at, mark, mark_before_at, mark_before))
    end
    if months_changed then
        local counted = {}
        for i, month in ipairs(month_order) do counted[i] = put('>i4I7', month, months[month]) end
        set('u', table.concat(counted))
    end
    for agent in pairs(agent_changed) do
        agents_changed = true
        local field = agent_fields[agent]
        if agents[agent] then set(field, agents[agent]) else gone[#gone + 1] = field end
    end
    if agents_changed then set('n', tostring(agents_known)) end
    each_chunk('HSET', KEYS[1], words)
    each_chunk('HDEL', KEYS[1], gone)
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', team_ttl_ms))
end
return answers
