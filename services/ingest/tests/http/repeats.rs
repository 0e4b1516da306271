//! A repeat says since when, and an id that is in use again goes on the log.

use crate::house::*;

const REPEAT: &str = "x-tidegate-repeat";
const MINUTE_MS: i64 = 60_000;

fn ping(status: &str) -> http::Request<axum::body::Body> {
    get(&format!("/v1/ping?key={TOKEN}&agent=daily&id={RUN}&status={status}"))
}

#[tokio::test]
async fn a_retry_is_told_since_when_and_leaves_no_record() {
    let house = House::new(Options::default()).await;
    assert_eq!(house.send(ping("ok")).await.header(REPEAT), None, "it is new");
    house.clock.advance_ms(10 * MINUTE_MS);
    let again = house.send(ping("ok")).await;
    assert_eq!((again.text.as_str(), again.header(REPEAT)), ("OK\n", Some(format!("first seen {NOW}").as_str())));
    assert_eq!(house.records(), 1);
}

#[tokio::test]
async fn an_id_of_last_night_goes_on_the_log_again() {
    let house = House::new(Options::default()).await;
    house.send(ping("ok")).await;
    house.clock.advance_ms(10 * MINUTE_MS + 1);
    for records in [2, 3] {
        let again = house.send(ping("ok")).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (200, "OK\n"));
        assert_eq!(again.header(REPEAT), Some(format!("first seen {NOW}").as_str()));
        assert_eq!((again.header("x-tidegate-receipt"), house.records()), (None, records));
    }
}

#[tokio::test]
async fn a_failure_under_the_id_of_a_success_is_told_which_one_stays() {
    let house = House::new(Options::default()).await;
    house.send(ping("ok")).await;
    let failed = house.send(ping("fail")).await;
    assert_eq!((failed.status.as_u16(), failed.text.as_str()), (200, "OK\n"), "a repeat is a success to the client");
    assert_eq!(failed.header(REPEAT), Some(format!("first seen {NOW}; status stays ok").as_str()));
    assert_eq!(house.records(), 2, "and the run will show it");
    let finish = format!("/v1/runs/{RUN}/finish");
    for (body, stays) in [(r#"{"status":"cancelled"}"#, "; status stays success"), (r#"{"status":"success"}"#, "")] {
        let finished = house.send(post(&finish, body)).await;
        assert_eq!(finished.status.as_u16(), 200);
        assert_eq!(finished.header(REPEAT), Some(format!("first seen {NOW}{stays}").as_str()));
    }
    assert_eq!(house.records(), 3);
}

/// A conversation opens its run on every turn.
#[tokio::test]
async fn an_opening_may_come_again_at_any_time() {
    let house = House::new(Options::default()).await;
    assert_eq!(house.send(post("/v1/runs", &start_body())).await.header(REPEAT), None);
    house.clock.advance_ms(60 * MINUTE_MS);
    let again = house.send(post("/v1/runs", &start_body())).await;
    assert_eq!((again.status.as_u16(), house.records()), (200, 1));
    assert_eq!(again.header(REPEAT), Some(format!("first seen {NOW}").as_str()));
}
