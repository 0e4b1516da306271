//! The gate on Redis: one atomic script per call, coalesced per team. The only room that knows redis.
