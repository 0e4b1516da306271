//! `[redis]`: where the gate is.

use tidegate_redis::RedisOptions;

use super::reader::Reader;

/// The gate of a distributed deployment. `None` where no url is named; the other keys are checked all the same.
/// The prefix of its keys and the window of its claims are other sections'.
pub(super) fn read(reader: &mut Reader) -> Option<RedisOptions> {
    let allowed = "a url such as redis://127.0.0.1:6379, or with redis.cluster a list of them";
    let urls = reader.list("redis.urls", allowed, |url| {
        ["redis://", "rediss://"].iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|host| !host.is_empty()))
    });
    let options = RedisOptions {
        urls,
        cluster: reader.flag("redis.cluster", false),
        password: reader.secret("redis.password", "redis.password_file"),
        connect_timeout: reader.millis("redis.connect_timeout_ms", 1_000, 10..=60_000),
        response_timeout: reader.millis("redis.response_timeout_ms", 200, 1..=60_000),
        ..RedisOptions::new("", "")
    };
    (!options.urls.is_empty()).then_some(options)
}
