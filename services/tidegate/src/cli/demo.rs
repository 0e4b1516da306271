//! `tidegate demo`.

use std::path::PathBuf;

use clap::Args;
use tidegate_kernel::Timestamp;

#[derive(Debug, Args)]
#[command(
    after_help = "It makes the team, if it is missing, and a key, and sends over HTTP what clients would send. Run it again as \
        often as you like: what was sent before is found and not counted twice.\n\n\
        Example, while `tidegate dev` runs in another shell:\n  tidegate demo"
)]
pub struct DemoArgs {
    /// The team that gets the traffic
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub team: String,
    /// Where the front door is, without a path
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Where the management API is, without a path
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub control_url: String,
    /// Where AgentGate is, without a path
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082")]
    pub agentgate_url: String,
    /// The data folder of the running service [default: ./tidegate-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// When the week ends [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub until: Option<Timestamp>,
}
