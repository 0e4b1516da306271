//! The banner on standard output once everything is up: addresses, and commands to paste.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tidegate_agentping::{EventId, RunId};
use tidegate_ports::{Clock, Ids};

use super::demo::{NAME, Welcome};
use super::demo_agentgate::GateWelcome;
use crate::config::Config;
use crate::console::Console;
use crate::failure::Failure;

/// Where the listeners are.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub ingest: SocketAddr,
    pub control: SocketAddr,
    pub agentgate: SocketAddr,
    pub ops: SocketAddr,
}

/// The banner's text, with the dashboard's path. It holds secrets when they are new: for standard output only, never a log.
pub fn text(
    config: &Config,
    addresses: &Addresses,
    sign_in: &str,
    (welcome, gate_welcome): (&Welcome, &GateWelcome),
    clock: &dyn Clock,
    ids: &dyn Ids,
) -> String {
    let (ingest, control, ops) = (url(addresses.ingest), url(addresses.control), url(addresses.ops));
    let (agentgate, program) = (url(addresses.agentgate), program());
    let mut text = format!(
        "\nTidegate is up (region {}).\n\n  \
           ingest      {ingest}   what clients send to\n  \
           control     {control}   reading it back, and the dashboard\n  \
           agentgate   {agentgate}   work orders and their workers\n  \
           operations  {ops}   /healthz /readyz /metrics\n  \
           data        {}\n\n",
        config.region,
        config.data.display(),
    );
    text.push_str(&match welcome {
        Welcome::Again { .. } => format!("Dashboard: {control}{sign_in}   (sign in with an API key)\n\n"),
        Welcome::First { .. } => format!("Dashboard, signed in by this link once:\n\n  {control}{sign_in}\n\n"),
    });
    match welcome {
        Welcome::Again { team } => text.push_str(&format!(
            "Credentials were shown when they were made. For new ones:\n\n  \
               {program} keys create --team {0}{1}\n  \
               {program} tokens create --team {0} --agent {NAME}{1}\n\n",
            quoted(team),
            data_flag(&config.data),
        )),
        Welcome::First { team, key, token, .. } => {
            text.push_str(&format!(
                "This folder is new, so here is a team '{NAME}' ({team}) to try things with.\n\
                 Its secrets are shown this once:\n\n  \
                   API key                      {key}\n  \
                   ping token, agent '{NAME}'     {token}\n\n",
            ));
            let run: RunId = ids.mint(config.region, clock.now());
            text.push_str(&tour(&ingest, &control, key, token, run, config, clock, ids));
        }
    }
    text.push_str(&gate_tour(&agentgate, gate_welcome, &config.data, &program));
    text.push_str("Ctrl-C stops it in order.\n");
    text
}

/// Prints the banner, on a thread of its own: standard output may be full, or have no reader.
///
/// # Errors
/// Standard output did not take it.
pub async fn print(text: String) -> Result<(), Failure> {
    let printing = tokio::task::spawn_blocking(move || {
        let mut console = Console::output();
        console.text(&text);
        console.delivered()
    });
    printing.await.unwrap_or_else(|error| Err(Failure::unavailable(error.to_string()).caused_by(error)))
}

#[expect(clippy::too_many_arguments, reason = "each is one hole in the one text below")]
fn tour(
    ingest: &str,
    control: &str,
    key: &str,
    token: &str,
    run: RunId,
    config: &Config,
    clock: &dyn Clock,
    ids: &dyn Ids,
) -> String {
    let now = clock.now();
    let (called, logged): (EventId, EventId) = (ids.mint(config.region, now), ids.mint(config.region, now));
    let (first, second, last) = (now.plus_millis(400), now.plus_millis(900), now.plus_millis(1_500));
    let post = |path: &str, body: &str| {
        format!(
            "curl -sS {ingest}{path} -H 'Authorization: Bearer {key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'\n\n"
        )
    };
    let mut text = format!("# A ping\ncurl -sS '{ingest}/v1/ping?key={token}&agent={NAME}'\n\n");
    text += "# A heartbeat\n";
    text += &post("/v1/heartbeats", &format!(r#"{{"agent":"{NAME}","status":"ok","duration_ms":1200}}"#));
    text += "# A run: open it, send events, finish it\n";
    text += &post("/v1/runs", &format!(r#"{{"id":"{run}","agent":"{NAME}","started_at":"{now}"}}"#));
    let events = format!(
        r#"{{"events":[{{"external_id":"{called}","type":"llm_call","ts":"{first}","data":{{"provider":"openai","model":"gpt-5-mini","input_tokens":1200,"output_tokens":300}}}},{{"external_id":"{logged}","type":"log","ts":"{second}","data":{{"message":"summary written"}}}}]}}"#
    );
    text += &post(&format!("/v1/runs/{run}/events"), &events);
    let finish = format!(r#"{{"status":"success","finished_at":"{last}","output":{{"pages":3}}}}"#);
    text += &post(&format!("/v1/runs/{run}/finish"), &finish);
    text += "# Read it back\n";
    for path in [format!("/v1/runs/{run}"), "/v1/runs?limit=10".to_owned(), "/v1/agents".to_owned()] {
        text += &format!("curl -sS '{control}{path}' -H 'Authorization: Bearer {key}'\n");
    }
    text += "\n# Expect a run each hour, and see what was missed\n";
    text += &format!(
        "curl -sS -X PUT '{control}/v1/agents/{NAME}/schedule' -H 'Authorization: Bearer {key}' \\\n  \
           -H 'Content-Type: application/json' \\\n  \
           -d '{{\"cron\":\"0 * * * *\",\"timezone\":\"UTC\",\"tolerance_s\":600}}'\n\
         curl -sS '{control}/v1/status' -H 'Authorization: Bearer {key}'\n"
    );
    text + "\n"
}

/// A work order, a worker that finishes it, and the run read back.
fn gate_tour(url: &str, welcome: &GateWelcome, data: &Path, program: &str) -> String {
    let (org, key, worker) = match welcome {
        GateWelcome::Again { org } => {
            return format!(
                "AgentGate's keys were shown when they were made. For new ones:\n\n  \
                   {program} agentgate keys create --org {org} --scopes '*'{0}\n  \
                   {program} agentgate worker-keys create --org {org}{0}\n\n",
                data_flag(data),
            );
        }
        GateWelcome::Missing => {
            return format!(
                "AgentGate's first organization or its keys were not made in time; the log has the reason. \
                 To make them:\n\n  \
                   {program} agentgate orgs list{0}   (it may be there by now)\n  \
                   {program} agentgate orgs create {NAME}{0}\n  \
                   {program} agentgate keys create --org ORG --scopes '*'{0}\n  \
                   {program} agentgate worker-keys create --org ORG{0}\n\n",
                data_flag(data),
            );
        }
        GateWelcome::First { org, key, worker } => (org, &key.secret, &worker.secret),
    };
    let order = r#"{"taskPrompt":"Say hello","workspaceSource":{"type":"git","repository":"https://github.com/octocat/Hello-World"}}"#;
    let command = r#"echo "{\"status\":\"succeeded\",\"iterations\":1}""#;
    format!(
        "AgentGate has an organization '{NAME}' ({org}). Its secrets are shown this once:\n\n  \
           key           {key}\n  \
           worker's key  {worker}\n\n\
         # A work order\n\
         curl -sS {url}/v1/work-orders -H 'Authorization: Bearer {key}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{order}'\n\n\
         # A worker that finishes it\n\
         {program} agentgate worker --url {url} --key {worker} --once \\\n  --exec '{command}'\n\n\
         # Read it back\n\
         curl -sS {url}/v1/runs -H 'Authorization: Bearer {key}'\n\n"
    )
}

/// The program as it was started, if that was by a path: what is printed can then be pasted into the same shell.
fn program() -> String {
    let name = std::env::args_os().next().and_then(|name| name.into_string().ok());
    name.filter(|name| name.contains('/')).map_or_else(|| "tidegate".to_owned(), |name| quoted(&name))
}

/// An address as a client on this machine reaches it: a listener on all addresses is reached on the local one.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// ` --data DIR`, unless it is the default.
fn data_flag(data: &Path) -> String {
    if data == Path::new(crate::cli::DEFAULT_DATA) {
        return String::new();
    }
    format!(" --data {}", quoted(&data.display().to_string()))
}

/// Quoted for a shell.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_to_this_machine() {
        for (address, reached) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:1", "http://[::1]:1"),
            ("10.1.2.3:4", "http://10.1.2.3:4"),
        ] {
            assert_eq!(url(address.parse().unwrap()), reached);
        }
    }

    #[test]
    fn a_missing_organization_has_its_way_out() {
        let text = gate_tour("http://127.0.0.1:8082", &GateWelcome::Missing, Path::new("/tmp/d"), "tidegate");
        for command in
            ["orgs list", "orgs create demo", "keys create --org ORG --scopes '*'", "worker-keys create --org ORG"]
        {
            assert!(text.contains(&format!("\n  tidegate agentgate {command} --data /tmp/d")), "{text}");
        }
    }

    #[test]
    fn what_is_pasted_survives_the_shell() {
        assert_eq!(quoted("demo-1"), "demo-1");
        assert_eq!(quoted("it's mine"), r"'it'\''s mine'");
        assert_eq!(data_flag(Path::new("/tmp/a b")), " --data '/tmp/a b'");
        assert_eq!(data_flag(Path::new("./tidegate-data")), "");
    }
}
