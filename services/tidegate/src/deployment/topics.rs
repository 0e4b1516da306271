//! `tidegate topics create` and `tidegate topics check`.

use std::process::ExitCode;

use tidegate_kafka::topics as kafka_topics;

use crate::assemble::distributed::{options_of, wait_for_log};
use crate::cli::TopicsCommand;
use crate::config::Config;
use crate::page::Page;

pub(super) async fn topics(config: &Config, command: &TopicsCommand, mut page: Page) -> Result<ExitCode, String> {
    let kafka = config.kafka()?;
    let options = options_of(kafka, "topics");
    match command {
        TopicsCommand::Create { .. } => {
            let made = wait_for_log(config, &options, || kafka_topics::create(&options, &kafka.layout)).await?;
            for topic in &made.created {
                page.line(format_args!("made   {topic}"));
            }
            for topic in &made.existed {
                page.line(format_args!("there  {topic}"));
            }
        }
        TopicsCommand::Check { .. } => {
            let found = wait_for_log(config, &options, || kafka_topics::check(&options, &kafka.layout)).await?;
            for (topic, partitions) in &found.topics {
                let word = if *partitions == 1 { "partition" } else { "partitions" };
                page.line(format_args!("fine   {topic}  {partitions} {word}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
