//! Every bad path and query gets its refusal.

use crate::house::*;

/// Path and query, code, field.
const BAD: &[(&str, &str, &str)] = &[
    ("/v1/runs/1", "invalid_id", "id"),
    ("/v1/runs/run_eu_0000000000000000000000000000000", "invalid_id", "id"),
    ("/v1/runs/run_eu_000000000000000000000000000000000", "invalid_id", "id"),
    ("/v1/runs/run_eu_0000000000000000000000000000000A", "invalid_id", "id"),
    ("/v1/runs/RUN_eu_00000000000000000000000000000001", "invalid_id", "id"),
    ("/v1/runs/run_e1_00000000000000000000000000000001", "invalid_id", "id"),
    ("/v1/runs/evt_eu_00000000000000000000000000000001", "invalid_id", "id"),
    ("/v1/runs/run_eu_00000000000000000000000000000001%20", "invalid_id", "id"),
    ("/v1/runs/%FF", "invalid_id", "id"),
    ("/v1/runs/%00", "invalid_id", "id"),
    ("/v1/runs/run_fr_00000000000000000000000000000001", "unknown_region", "id"),
    ("/v1/runs/run_eu_00000000000000000000000000000001?events=1", "unknown_field", "events"),
    ("/v1/runs?page=2", "unknown_field", "page"),
    ("/v1/runs?Agent=a", "unknown_field", "Agent"),
    ("/v1/runs?=a", "unknown_field", ""),
    ("/v1/runs?agent[]=a", "unknown_field", "agent[]"),
    ("/v1/runs?agent=", "invalid_field", "agent"),
    ("/v1/runs?agent", "invalid_field", "agent"),
    ("/v1/runs?agent=a%0Ab", "invalid_field", "agent"),
    ("/v1/runs?agent=a&agent=a", "invalid_field", "agent"),
    ("/v1/runs?status=", "invalid_field", "status"),
    ("/v1/runs?status=ok", "invalid_field", "status"),
    ("/v1/runs?status=Success", "invalid_field", "status"),
    ("/v1/runs?status=success,failed", "invalid_field", "status"),
    ("/v1/runs?customer_id=", "invalid_field", "customer_id"),
    ("/v1/runs?feature=", "invalid_field", "feature"),
    ("/v1/runs?from=2026-05-15", "invalid_field", "from"),
    ("/v1/runs?from=2026-05-15T10:00:00", "invalid_field", "from"),
    ("/v1/runs?from=2026-05-15T10:00:00+02:00", "invalid_field", "from"),
    ("/v1/runs?from=1778839200", "invalid_field", "from"),
    ("/v1/runs?to=now", "invalid_field", "to"),
    ("/v1/runs?to=2026-02-30T00:00:00Z", "invalid_field", "to"),
    ("/v1/runs?from=2026-05-15T10:00:01Z&to=2026-05-15T10:00:00Z", "invalid_field", "to"),
    ("/v1/runs?limit=0", "invalid_field", "limit"),
    ("/v1/runs?limit=201", "invalid_field", "limit"),
    ("/v1/runs?limit=-1", "invalid_field", "limit"),
    ("/v1/runs?limit=%2B5", "invalid_field", "limit"),
    ("/v1/runs?limit=1.5", "invalid_field", "limit"),
    ("/v1/runs?limit=ten", "invalid_field", "limit"),
    ("/v1/runs?limit=99999999999999999999999", "invalid_field", "limit"),
    ("/v1/runs?limit=", "invalid_field", "limit"),
    ("/v1/runs?cursor=", "invalid_field", "cursor"),
    ("/v1/runs?cursor=abc", "invalid_field", "cursor"),
    ("/v1/runs?cursor=%F0%9F%98%80", "invalid_field", "cursor"),
    ("/v1/runs?limit=5&cursor=null", "invalid_field", "cursor"),
    ("/v1/agents?page=5", "unknown_field", "page"),
    ("/v1/usage?month=2026-05", "unknown_field", "month"),
    ("/v1/spend?month=", "invalid_field", "month"),
    ("/v1/spend?month=2026-5", "invalid_field", "month"),
    ("/v1/spend?month=2026-13", "invalid_field", "month"),
    ("/v1/spend?month=2026-00", "invalid_field", "month"),
    ("/v1/spend?month=may", "invalid_field", "month"),
    ("/v1/spend?month=2026-05-01", "invalid_field", "month"),
    ("/v1/spend?month=2026-05&month=2026-06", "invalid_field", "month"),
    ("/v1/spend?from=2026-05", "unknown_field", "from"),
];

#[tokio::test]
async fn every_bad_input_has_its_refusal() {
    let house = House::open().await;
    for (path, code, field) in BAD {
        let answer = house.get(path).await;
        let expected = (400, (*code).to_owned(), Some((*field).to_owned()));
        assert_eq!(answer.refusal(), expected, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_refusal_shows_the_value_shortened_and_the_way_out() {
    let house = House::open().await;
    let message = house.get("/v1/runs?limit=many").await.message();
    assert_eq!(message, "Parameter 'limit' must be a whole number from 1 to 200; it is 'many'.");
    let message = house.get("/v1/usage?verbose=1").await.message();
    assert_eq!(message, "Unknown query parameter 'verbose'. This endpoint takes none.");
    let message = house.get("/v1/spend?year=2026").await.message();
    assert_eq!(message, "Unknown query parameter 'year'. This endpoint takes: month.");
    let long = house.get(&format!("/v1/runs?status=%00{}", "x".repeat(5_000))).await;
    assert!(long.text.len() < 400 && long.message().contains("x…'"), "{}", long.text);
}

#[tokio::test]
async fn labels_are_taken_up_to_their_longest() {
    let house = House::open().await;
    for name in ["customer_id", "feature"] {
        house.get(&format!("/v1/runs?{name}={}", "%C3%A9".repeat(256))).await.ok();
        let answer = house.get(&format!("/v1/runs?{name}={}", "%C3%A9".repeat(257))).await;
        assert_refusal(&answer, 400, "invalid_field", Some(name));
    }
}

/// A well-formed id is never a bad request, whatever region or version bits it has.
#[tokio::test]
async fn a_well_formed_id_is_only_unknown() {
    let house = House::open().await;
    for id in ["run_us_00000000000000000000000000000001", "run_eu_ffffffffffffffffffffffffffffffff"] {
        assert_refusal(&house.get(&format!("/v1/runs/{id}")).await, 404, "not_found", None);
    }
}
