//! The pipeline's page.

use reqwest::StatusCode;

use crate::house::House;

const SCRAPE: &str = "# TYPE tidegate_requests_total counter\n\
    tidegate_build_info{version=\"0.1.0\",role=\"dev\"} 1\n\
    tidegate_requests_received_total{endpoint=\"runs\"} 1200\n\
    tidegate_requests_total{endpoint=\"runs\",outcome=\"accepted\",cause=\"\"} 1190\n\
    tidegate_requests_total{endpoint=\"runs\",outcome=\"failed\",cause=\"log_unavailable\"} 10\n\
    tidegate_lag_records 1234567\ntidegate_lag_age_seconds 75\ntidegate_shed_pressure 0.5\n\
    tidegate_shed_total{class=\"events\",cause=\"age\"} 4\n\
    tidegate_conservation_records{state=\"dead\"} 3\n\
    tidegate_conservation_difference{generation=\"1\",partition=\"0\"} 2\n\
    tidegate_conservation_difference{generation=\"1\",partition=\"1\"} -2\n\
    tidegate_pulse_judged_until_seconds 1778846280\ntidegate_pulse_judged_behind_seconds 120\n\
    tidegate_requests_in_flight 3\ntidegate_requests_in_flight_max 512\n";

#[tokio::test]
async fn figures_are_those_of_the_metrics_and_what_is_off_stands_first() {
    let house = House::bare().await;
    house.scraped(SCRAPE);
    let page = house.get("/pipeline").await;
    page.ok();
    assert!(page.row("Records not applied yet").contains("1,234,567"));
    assert!(page.row("Age of the oldest").contains("1 min 15 s") && page.row("Age of the oldest").contains(">look<"));
    assert!(page.row("Shed: events, age").contains(">4<"));
    assert!(page.row("Failed, of all").contains("0.83 %"));
    assert!(page.row("Requests in flight").contains("3 of 512"));
    assert!(page.row("Judged up to").contains("2 min ago") && page.row("Behind the clock by").contains(">ok<"));
    assert!(page.row("Records: dead").contains(">3<"));
    // Two partitions whose differences sum up to 0 are off all the same.
    assert!(page.row("Not accounted for").contains(">look<"));
    let attention = page.text.split("id=\"attention\"").nth(1).unwrap().split("</section>").next().unwrap();
    for off in ["Age of the oldest", "Pressure of shedding", "Not accounted for"] {
        assert!(attention.contains(off), "{off}: {attention}");
    }
    assert!(!attention.contains("Behind the clock"), "{attention}");
    for known in [">dev<", ">0.1.0<", ">ready<", ">eu<"] {
        assert!(page.text.contains(known), "{known}");
    }
}

#[tokio::test]
async fn what_a_process_does_not_know_it_says_who_knows() {
    let house = House::bare().await;
    house.scraped("tidegate_decider_halted{api=\"agentgate\",partition=\"3\"} 1\n");
    let page = house.get("/pipeline").await;
    let unknown = page.ok().split("id=\"elsewhere\"").nth(1).unwrap();
    assert!(unknown.contains("AgentPing: persister: see the operations port of a persister (tidegate persist)."));
    assert!(!unknown.contains("AgentGate: decider"), "{unknown}");
    assert!(!page.text.contains("id=\"agentping-persister\""));
    assert!(page.row("Partitions halted").contains(">look<"));
}

#[tokio::test]
async fn a_counter_that_rises_is_seen_until_the_minutes_are_over() {
    let house = House::bare().await;
    house.scraped(SCRAPE);
    house.pages.observe();
    house.clock.advance_ms(20_000);
    house.scraped(&SCRAPE.replace("cause=\"age\"} 4", "cause=\"age\"} 9"));
    house.pages.observe();
    let page = house.get("/pipeline").await;
    let shed = page.row("Shed: events, age");
    assert!(shed.contains(">9<") && shed.contains(">5<") && shed.contains(">look<"), "{shed}");
    assert!(page.text.contains("Last 20.0 s"));
    assert!(page.row("Failed, of all").contains("0 %") && page.row("Failed, of all").contains(">ok<"));
    for _ in 0..40 {
        house.clock.advance_ms(15_000);
        house.pages.observe();
    }
    let page = house.get("/pipeline").await;
    let shed = page.row("Shed: events, age");
    assert!(shed.contains(">9<") && shed.contains(">0<") && shed.contains(">ok<"), "{shed}");
}

#[tokio::test]
async fn a_process_that_is_not_ready_says_why_and_nothing_runs() {
    let house = House::bare().await;
    house.not_ready("log: <script>marker()</script>");
    let page = house.get("/pipeline").await;
    assert!(page.ok().contains("Not ready: log: &lt;script&gt;marker()"), "{}", page.text);
    assert!(page.text.contains(">not ready<"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!((page.header("x-content-type-options"), page.header("x-frame-options")), ("nosniff", "DENY"));
    // It renews itself, with script and without.
    assert!(page.text.contains("data-live=\"5\"") && page.text.contains("<noscript><meta http-equiv=\"refresh\""));
}

#[tokio::test]
async fn the_look_is_served_here_too() {
    let house = House::bare().await;
    let page = house.get("/pipeline").await;
    let style = page.ok().split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let style = house.get(style).await;
    assert!(style.ok().contains("prefers-color-scheme: dark"));
    assert!(style.header("cache-control").contains("immutable"));
    let gone = house.get("/assets/dashboard.0.css").await;
    assert_eq!((gone.status, gone.header("cache-control")), (StatusCode::NOT_FOUND, "no-store"));
}
